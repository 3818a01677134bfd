# hypothesis: text in ASCII uses the lower half of the bytes: halving both tables frees bytes of the cap and time for more steps
# file: model.py
# source: Bengio et al., Quick Training of Probabilistic Neural Nets by Importance Sampling (2003), whose short list this is
# excludes: bigram-embedding, logit-softcap
SHORT_LIST = 128
REST_LOGIT = -12.0  # of every byte that is not on the list


class Embedding(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(SHORT_LIST, width))

    def forward(self, tokens: Tensor) -> Tensor:
        return F.embedding(tokens.clamp(max=SHORT_LIST - 1), self.weight)


class Head(nn.Module):
    def __init__(self, width: int, embedding: Tensor):
        super().__init__()
        self.norm = make_norm(width)
        self.weight = embedding if TIE_EMBEDDINGS else nn.Parameter(torch.empty(SHORT_LIST, width))

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(F.linear(self.norm(x), self.weight), (0, ALPHABET - SHORT_LIST), value=REST_LOGIT)
