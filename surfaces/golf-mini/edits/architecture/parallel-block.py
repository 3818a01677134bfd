# hypothesis: attention and MLP reading the same normalised stream need one norm less and give shorter paths for the gradient
# file: model.py
# source: Wang and Komatsuzaki, GPT-J-6B (2021); Chowdhery et al., PaLM (2022)
# excludes: value-residual


class Block(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.attention, self.mlp, self.norm, self.join = Attention(width), MLP(width), make_norm(width), Residual(width)

    def forward(self, x: Tensor) -> Tensor:
        seen = self.norm(x)
        return self.join(x, self.attention(seen) + self.mlp(seen))
