# hypothesis: a gate multiplies two readings of the stream, which one squared reading of the same cost cannot
# file: model.py
# source: Shazeer, GLU Variants Improve Transformer (2020)


class MLP(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        hidden = int(MLP_RATIO * width * 2 / 3) // 8 * 8
        self.gate, self.widen, self.project = Linear(width, hidden), Linear(width, hidden), Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.project(F.silu(self.gate(x)) * self.widen(x))
