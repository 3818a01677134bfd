# hypothesis: weights that are rounded while they still learn come to sit where rounding does not hurt, so that far fewer codes do
# file: kernel.py
# source: Jacob et al., Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference (2018)
# excludes: codebook, compiled-step
AWARE_FROM = 0.8  # of the budget


def rounded_weights(net: nn.Module) -> dict[str, Tensor]:
    """Every matrix as it will be stored; the gradient passes straight through."""
    stored = {}
    for name, weight in net.named_parameters():
        if weight.ndim == 2:
            stored[name] = weight + (dequantise(*quantise(weight.detach())) - weight).detach()
    return stored


def train_step(run, sampler, updater, progress: float) -> None:
    for _ in range(MICRO_BATCHES):
        weights = rounded_weights(run) if progress >= AWARE_FROM else {}
        loss = forward_loss(lambda inputs: torch.func.functional_call(run, weights, inputs), *sampler.batch(progress))
        (loss / MICRO_BATCHES).backward()
    updater.update(progress)
