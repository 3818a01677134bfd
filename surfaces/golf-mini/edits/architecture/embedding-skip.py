# hypothesis: handing the embeddings to every block again, by a learnt amount, saves the blocks from carrying them
# file: model.py
# source: Keller Jordan et al., modded-nanogpt (2024), after Ronneberger et al., U-Net (2015)
# excludes: value-residual


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = Embedding(WIDTH)
        self.stem = Stem(WIDTH)
        self.blocks = nn.ModuleList(Block(WIDTH) for _ in range(LAYERS))
        self.head = Head(WIDTH, self.embedding.weight)
        self.skips = nn.Parameter(torch.zeros(LAYERS * WIDTH))
        initialise(self)

    def trunk(self, x: Tensor) -> Tensor:
        first = x
        for block, skip in zip(self.blocks, self.skips.view(LAYERS, WIDTH)):
            x = block(x + skip * first)
        return x
