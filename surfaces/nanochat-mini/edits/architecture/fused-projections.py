# hypothesis: queries, keys and values from one product start one operation instead of three, and operations this small cost mostly their start
# file: model.py
# source: Shoeybi et al., Megatron-LM: Training Multi-Billion Parameter Language Models Using Model Parallelism (2019)
# excludes: value-embeddings, gated-attention, multi-query


class Attention(nn.Module):
    def __init__(self, width: int, layer: int):
        super().__init__()
        self.inputs, self.project = Linear(width, 3 * width), Linear(width, width)

    def forward(self, x: Tensor, tokens: Tensor) -> Tensor:
        mixed = self.attend(*(self.heads(part) for part in self.inputs(x).chunk(3, dim=-1)))
        return self.project(mixed.transpose(1, 2).flatten(2))
