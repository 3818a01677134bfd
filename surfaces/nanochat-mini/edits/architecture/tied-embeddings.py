# hypothesis: one table for reading and writing bytes is moved by every step from both sides, and learns twice as fast
# file: model.py
# source: Press and Wolf, Using the Output Embedding to Improve Language Models (2017)


class GPT(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = Embedding(WIDTH)
        self.blocks = nn.ModuleList(Block(WIDTH, layer) for layer in range(DEPTH))
        self.head = Head(WIDTH)
        self.head.weight = self.embedding.weight
        start_weights(self)
