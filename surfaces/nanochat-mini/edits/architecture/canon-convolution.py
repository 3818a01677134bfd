# hypothesis: a short causal convolution along the stream hands each block the last few bytes, which two layers of attention learn slowly
# file: model.py
# source: Allen-Zhu, Physics of Language Models: Part 4.1, Architecture Design and the Magic of Canon Layers (2025)
# excludes: residual-scales, parallel-block
CANON_TAPS = 4


class Block(nn.Module):
    def __init__(self, width: int, layer: int):
        super().__init__()
        self.attention, self.mlp = Attention(width, layer), MLP(width)
        self.taps = nn.Parameter(torch.zeros(CANON_TAPS * width))

    def blur(self, x: Tensor) -> Tensor:
        kernel = self.taps.view(-1, 1, CANON_TAPS)
        return F.conv1d(F.pad(x.transpose(1, 2), (CANON_TAPS - 1, 0)), kernel, groups=x.size(-1)).transpose(1, 2)

    def forward(self, x: Tensor, first: Tensor, tokens: Tensor) -> Tensor:
        x = x + self.blur(norm(x))
        x = x + self.attention(norm(x), tokens)
        return x + self.mlp(norm(x))
