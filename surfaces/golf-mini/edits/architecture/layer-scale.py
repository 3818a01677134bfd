# hypothesis: branches that start small and learn their size let the first steps act on the embeddings alone
# file: model.py
# source: Bachlechner et al., ReZero is All You Need (2020); Touvron et al., Going Deeper with Image Transformers (2021)
BRANCH_START = 0.3


class Residual(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.scale = nn.Parameter(torch.full((width,), BRANCH_START))

    def forward(self, x: Tensor, branch: Tensor) -> Tensor:
        return x + self.scale * branch
