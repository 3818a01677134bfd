# hypothesis: how far into its word a byte stands decides much of what follows, and attention needs many steps to learn to count
# file: model.py
# source: Slagle, SpaceByte: Towards Deleting Tokenization from Large Language Modeling (2024), for spaces as the borders that matter
# excludes: smear
WORD_POSITIONS = 16


class Stem(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.norm = make_norm(width)
        self.position = nn.Parameter(torch.zeros(WORD_POSITIONS, width))

    def forward(self, x: Tensor, tokens: Tensor) -> Tensor:
        place = torch.arange(tokens.size(1)).expand_as(tokens)
        border = torch.where(tokens <= 32, place, -1).cummax(1).values
        return self.norm(x) + F.embedding((place - border).clamp(max=WORD_POSITIONS - 1), self.position)
