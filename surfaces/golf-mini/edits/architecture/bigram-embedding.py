# hypothesis: a hashed embedding of the last two bytes hands the first block what it would have to learn to look up
# file: model.py
# source: Svenstrup et al., Hash Embeddings for Efficient Word Representations (2017); Roy et al., N-Grammer (2022)
# excludes: compact-alphabet
BIGRAM_ROWS = 512
BIGRAM_WIDTH = 16


class Embedding(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(ALPHABET, width))
        self.pairs = nn.Parameter(torch.empty(BIGRAM_ROWS, BIGRAM_WIDTH))
        self.lift = nn.Linear(BIGRAM_WIDTH, width, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        before = F.pad(tokens, (1, 0))[:, :-1]
        pair = (tokens * 1031 + before * 8191) % BIGRAM_ROWS
        return F.embedding(tokens, self.weight) + self.lift(F.embedding(pair, self.pairs))
