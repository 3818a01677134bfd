# hypothesis: clipping each row against its own weights restrains the rows that are about to break and leaves the others their full step
# file: optimizer.py
# source: Brock et al., High-Performance Large-Scale Image Recognition Without Normalization (2021)
# excludes: gradient-centralisation
CLIP_RATIO = 0.1


def clip_rows(weight: Tensor) -> None:
    size = weight.norm(dim=1, keepdim=True).clamp(min=1e-3)
    weight.grad.mul_((CLIP_RATIO * size / weight.grad.norm(dim=1, keepdim=True).clamp(min=1e-8)).clamp(max=1.0))


class Updater:
    @torch.no_grad()
    def update(self, progress: float) -> None:
        for weight in self.weights:
            if weight.ndim == 2:
                clip_rows(weight)
        for group in self.rule.groups:
            group["rate"] = group["base"] * warm_up(progress) * schedule(progress)
            if group["decay"]:
                decay_weights(group)
        self.rule.step()
        for weight in self.weights:
            weight.grad = None
        self.average.observe(progress)
