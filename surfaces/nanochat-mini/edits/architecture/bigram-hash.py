# hypothesis: vectors for hashed pairs and triples of bytes state outright what attention must otherwise assemble
# file: model.py
# source: Roy et al., N-Grammer: Augmenting Transformers with Latent n-grams (2022)
# excludes: smear, word-position
PAIR_ROWS = 2048
TRIPLE_ROWS = 4096


class Embedding(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(VOCABULARY, width))
        self.pairs = nn.Parameter(torch.empty(PAIR_ROWS, width))
        self.triples = nn.Parameter(torch.empty(TRIPLE_ROWS, width))

    def forward(self, tokens: Tensor) -> Tensor:
        one, two = (F.pad(tokens, (back, 0))[:, :-back] for back in (1, 2))
        pair = tokens * 8191 + one * 131
        triple = pair * 31 + two * 524287
        return F.embedding(tokens, self.weight) + F.embedding(pair % PAIR_ROWS, self.pairs) + F.embedding(triple % TRIPLE_ROWS, self.triples)
