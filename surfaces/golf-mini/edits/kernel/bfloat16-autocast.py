# hypothesis: matrix products in bfloat16 take half the memory traffic, and a model this small does not miss the digits
# file: kernel.py
# source: Kalamkar et al., A Study of BFLOAT16 for Deep Learning Training (2019)


def forward_loss(run, inputs: Tensor, targets: Tensor, weights: Tensor | None) -> Tensor:
    with torch.autocast("cpu", torch.bfloat16):
        logits = run(inputs)
    return loss_of(logits.float(), targets, weights)
