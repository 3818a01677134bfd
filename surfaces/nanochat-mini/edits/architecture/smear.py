# hypothesis: letting each byte's vector take up some of the one before, channel by channel, gives the first block pairs of bytes for free
# file: model.py
# source: Peng et al., RWKV: Reinventing RNNs for the Transformer Era (2023), its token shift
# excludes: bigram-hash, word-position


class Embedding(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(VOCABULARY, width))
        self.mix = nn.Parameter(torch.zeros(width))

    def forward(self, tokens: Tensor) -> Tensor:
        x = F.embedding(tokens, self.weight)
        return x + self.mix * F.pad(x, (0, 0, 1, 0))[:, :-1]
