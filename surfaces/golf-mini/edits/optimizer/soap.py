# hypothesis: Adam in the eigenbasis of Shampoo's preconditioner sees the curvature between weights, and matrices this small make the basis cheap
# file: optimizer.py
# source: Vyas et al., SOAP: Improving and Stabilizing Shampoo using Adam (2024)
# excludes: muon, lion, schedule-free
SOAP_EVERY = 10  # steps between two bases
SOAP_BETA = 0.95


class Basis:
    """Moments of one matrix in a slowly turning basis."""

    def __init__(self, weight: Tensor):
        self.grams = [torch.zeros(size, size) for size in weight.shape]
        self.first, self.second = torch.zeros_like(weight), torch.zeros_like(weight)

    def turn(self, gradient: Tensor, count: int) -> None:
        for gram, outer in zip(self.grams, (gradient @ gradient.T, gradient.T @ gradient)):
            gram.lerp_(outer, 1 - SOAP_BETA)
        if count == 1:
            self.left, self.right = (torch.linalg.eigh(gram)[1] for gram in self.grams)
        elif count % SOAP_EVERY == 0:
            self.left, self.right = (torch.linalg.qr(gram @ old)[0] for gram, old in zip(self.grams, (self.left, self.right)))

    def direction(self, gradient: Tensor, count: int) -> Tensor:
        self.turn(gradient, count)
        self.first.lerp_(gradient, 1 - BETA1)
        self.second.lerp_((self.left.T @ gradient @ self.right).square(), 1 - BETA2)
        scale = (self.second / (1 - BETA2 ** count)).sqrt() + EPSILON
        return self.left @ (self.left.T @ self.first @ self.right / scale) @ self.right.T / (1 - BETA1 ** count)


class Rule:
    def step(self) -> None:
        self.count += 1
        for group in self.groups:
            if group["kind"] != "matrix":
                adam_step(group, self.count)
                continue
            for weight, basis in zip(group["weights"], group.setdefault("bases", [Basis(weight) for weight in group["weights"]])):
                weight.sub_(basis.direction(weight.grad, self.count), alpha=group["rate"])
