# hypothesis: how deep into its word a byte stands, and how long the word before was, says much about what follows and is slow to learn by counting
# file: model.py
# source: Slagle, SpaceByte: Towards Deleting Tokenization from Large Language Modeling (2024), for spaces as the borders that matter
# excludes: smear, bigram-hash
DEEPEST = 12


class Embedding(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(VOCABULARY, width))
        self.depth = nn.Parameter(torch.empty(DEEPEST, width))

    def forward(self, tokens: Tensor) -> Tensor:
        place = torch.arange(tokens.size(1)).expand_as(tokens)
        border = torch.where(tokens <= 32, place, -1).cummax(1).values
        return F.embedding(tokens, self.weight) + F.embedding((place - border).clamp(max=DEEPEST - 1), self.depth)
