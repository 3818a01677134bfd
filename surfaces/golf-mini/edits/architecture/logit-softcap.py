# hypothesis: logits that bend towards a cap keep an early model from certainty it has not earned
# file: model.py
# source: Bello et al., Neural Combinatorial Optimization (2016); Gemma Team, Gemma 2 (2024)
# excludes: compact-alphabet
SOFTCAP = 15.0


class Head(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return SOFTCAP * torch.tanh(F.linear(self.norm(x), self.weight) / SOFTCAP)
