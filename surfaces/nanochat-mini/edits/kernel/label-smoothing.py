# hypothesis: a little of every target spread over all bytes keeps wrong rows from being ruled out for one odd letter
# file: kernel.py
# source: Szegedy et al., Rethinking the Inception Architecture for Computer Vision (2016)
# excludes: fused-loss, z-loss, hard-bytes
SMOOTHING = 0.02


def loss_of(logits: Tensor, targets: Tensor, weights: Tensor | None) -> Tensor:
    losses = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none", label_smoothing=SMOOTHING)
    return losses.mean() if weights is None else (losses * weights.flatten()).sum() / weights.sum()
