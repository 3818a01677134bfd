# hypothesis: a learnt gain on the stream and a learnt way back to the embeddings let each block choose between bytes and what was made of them
# file: model.py
# source: Karpathy, nanochat (2025), after Keller Jordan et al., modded-nanogpt (2024)
# excludes: canon-convolution, parallel-block
FIRST_SHARE = 0.1  # of the embeddings that every block is given again


class Block(nn.Module):
    def __init__(self, width: int, layer: int):
        super().__init__()
        self.attention, self.mlp = Attention(width, layer), MLP(width)
        self.gain = nn.Parameter(torch.ones(width))
        self.again = nn.Parameter(torch.full((width,), FIRST_SHARE))

    def forward(self, x: Tensor, first: Tensor, tokens: Tensor) -> Tensor:
        x = self.gain * x + self.again * first
        x = x + self.attention(norm(x), tokens)
        return x + self.mlp(norm(x))
