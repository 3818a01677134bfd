# hypothesis: a gated MLP of the same size multiplies features where a plain one only adds them
# file: model.py
# source: Shazeer, GLU Variants Improve Transformer (2020)


class MLP(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        hidden = int(MLP_RATIO * width * 2 / 3)
        self.gate = nn.Linear(width, hidden, bias=False)
        self.widen = nn.Linear(width, hidden, bias=False)
        self.narrow = nn.Linear(hidden, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.narrow(F.silu(self.gate(x)) * self.widen(x))
