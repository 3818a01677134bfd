# hypothesis: a sigmoid gate on what attention returns lets a head say nothing, which softmax alone cannot
# file: model.py
# source: Qiu et al., Gated Attention for Large Language Models (2025)


class Output(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.project = nn.Linear(width, width, bias=False)
        self.gate = nn.Linear(width, HEADS)

    def forward(self, mixed: Tensor, source: Tensor) -> Tensor:
        gate = 2 * torch.sigmoid(self.gate(source))
        return self.project((mixed.unflatten(-1, (HEADS, -1)) * gate.unsqueeze(-1)).flatten(-2))
