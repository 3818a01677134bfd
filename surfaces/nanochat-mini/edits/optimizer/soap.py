# hypothesis: Adam run in the eigenbasis of the gradient's covariances sees how weights bend together, and matrices of 64 make that cheap
# file: optimizer.py
# source: Vyas et al., SOAP: Improving and Stabilizing Shampoo using Adam (2024)
# excludes: muon, lion
SOAP_PERIOD = 8  # steps that a basis is kept
SOAP_MEMORY = 0.95  # of the covariances


class Soap:
    def __init__(self, group: dict):
        self.weights, self.count = group["weights"], 0
        self.sides = [[torch.zeros(size, size) for size in weight.shape] for weight in self.weights]
        self.bases = [[torch.eye(size) for size in weight.shape] for weight in self.weights]
        self.first, self.second = ([torch.zeros_like(weight) for weight in self.weights] for _ in range(2))

    def turn(self, k: int, gradient: Tensor) -> None:
        for side, product in zip(self.sides[k], (gradient @ gradient.T, gradient.T @ gradient)):
            side.lerp_(product, 1 - SOAP_MEMORY)
        if self.count == 1:
            self.bases[k] = [torch.linalg.eigh(side)[1] for side in self.sides[k]]
        elif self.count % SOAP_PERIOD == k % SOAP_PERIOD:  # one matrix after another, so that no step is long
            self.bases[k] = [torch.linalg.qr(side @ basis)[0] for side, basis in zip(self.sides[k], self.bases[k])]

    def step(self, rate: float, decay: float) -> None:
        self.count += 1
        shrink(self.weights, rate * decay)
        for k, weight in enumerate(self.weights):
            self.turn(k, weight.grad)
            left, right = self.bases[k]
            self.first[k].lerp_(weight.grad, 1 - BETA1)
            self.second[k].lerp_((left.T @ weight.grad @ right).square(), 1 - BETA2)
            scale = (self.second[k] / (1 - BETA2 ** self.count)).sqrt().add_(EPSILON)
            weight.sub_(left @ (left.T @ self.first[k] @ right / scale) @ right.T, alpha=rate / (1 - BETA1 ** self.count))


def choose_rule(group: dict):
    return Soap(group) if group["kind"] == "matrix" else Adam(group)
