"""How often each byte is used, for too few positions."""
import torch

POSITIONS = 256


def train(budget, train_bytes, seed):
    counts = torch.bincount(train_bytes.long(), minlength=256).float() + 1
    return (counts / counts.sum()).log().numpy().tobytes()


class Predictor:
    def __init__(self, table):
        self.rows = table.expand(POSITIONS, 256)

    def logprobs(self, tokens):
        places = torch.arange(tokens.shape[1] + 1)
        return self.rows[places].expand(tokens.shape[0], -1, -1)


def load(artifact):
    return Predictor(torch.frombuffer(bytearray(artifact), dtype=torch.float32))
