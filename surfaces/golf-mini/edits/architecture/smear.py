# hypothesis: adding a little of the byte before to every byte gives the first block pairs to look at for almost no weights
# file: model.py
# source: Peng et al., RWKV: Reinventing RNNs for the Transformer Era (2023), its token shift
# excludes: word-position


class Stem(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.norm = make_norm(width)
        self.share = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor, tokens: Tensor) -> Tensor:
        x = self.norm(x)
        return x + self.share * F.pad(x, (0, 0, 1, 0))[:, :-1]
