# hypothesis: one product for queries, keys and values costs less than three small ones
# file: model.py
# source: Shoeybi et al., Megatron-LM: Training Multi-Billion Parameter Language Models Using Model Parallelism (2019)
# excludes: multi-query, value-residual


class Attention(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.inputs = nn.Linear(width, 3 * width, bias=False)
        self.output = Output(width)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (self.split(part) for part in self.inputs(x).chunk(3, dim=-1))
        mixed = self.mix(*self.place(q, k), v)
        return self.output(mixed.transpose(1, 2).flatten(2), x)
