# hypothesis: a gate on what each head brings back lets it be silent where nothing earlier matters, which softmax cannot
# file: model.py
# source: Qiu et al., Gated Attention for Large Language Models: Non-linearity, Sparsity, and Attention-Sink-Free (2025)
# excludes: value-embeddings, fused-projections, multi-query


class Attention(nn.Module):
    def __init__(self, width: int, layer: int):
        super().__init__()
        self.query, self.key, self.value = Linear(width, width), Linear(width, width), Linear(width, width)
        self.project, self.gate = Linear(width, width), Linear(width, HEADS)

    def forward(self, x: Tensor, tokens: Tensor) -> Tensor:
        mixed = self.attend(self.heads(self.query(x)), self.heads(self.key(x)), self.values(x, tokens))
        return self.project((mixed.transpose(1, 2) * 2 * torch.sigmoid(self.gate(x)).unsqueeze(-1)).flatten(2))
