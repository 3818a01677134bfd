# hypothesis: a table of what followed each few bytes, counted over all of the text in one pass, knows spellings that five hundred steps never saw
# file: kernel.py
# source: Mikolov et al., Empirical Evaluation and Combination of Advanced Language Modeling Techniques (2011); Liu et al., Infini-gram (2024)
# excludes: sharpness-aware, match-cache
NGRAM_BYTES = 3  # that a row of the table is found by
NGRAM_ROWS = 1 << 15
NGRAM_SHARE = 0.5  # of an answer, where the table has seen much
NGRAM_DOUBT = 4.0  # sightings at which it counts half


def row_of(windows: list[Tensor]) -> Tensor:
    """The table's row for the bytes at a place, nearest first."""
    key = torch.zeros_like(windows[0])
    for window in windows:
        key = (key * 257 + window + 1) % 1000003
    return key * 7919 % 1000003 % NGRAM_ROWS


def count_bytes(text: Tensor) -> Tensor:
    """Square roots of chances, a byte each; a row sums to its certainty."""
    last = len(text) - NGRAM_BYTES
    rows = row_of([text[NGRAM_BYTES - 1 - back:NGRAM_BYTES - 1 - back + last] for back in range(NGRAM_BYTES)])
    counts = torch.bincount(rows * 128 + text[NGRAM_BYTES:].clamp(max=127), minlength=NGRAM_ROWS * 128).view(NGRAM_ROWS, 128).float()
    return (counts / (counts.sum(1, keepdim=True) + NGRAM_DOUBT)).sqrt().mul_(255).round_().to(torch.uint8)


class Engine:
    def backward(self, loader, progress: float) -> None:
        if not hasattr(self.net, "table"):
            self.net.table = count_bytes(loader.bytes)
        for _ in range(MICRO_BATCHES):
            (self.loss(*loader.batch(progress)) / MICRO_BATCHES).backward()


def save(net: nn.Module) -> bytes:
    return net.table.numpy().tobytes() + b"".join(weight.detach().contiguous().numpy().tobytes() for weight in net.parameters())


@torch.no_grad()
def restore(artifact: bytes, net: nn.Module) -> None:
    size = NGRAM_ROWS * 128
    net.table = torch.frombuffer(bytearray(artifact[:size]), dtype=torch.uint8).view(NGRAM_ROWS, 128)
    numbers = torch.frombuffer(bytearray(artifact[size:]), dtype=torch.float32)
    for weight, piece in zip(net.parameters(), numbers.split([weight.numel() for weight in net.parameters()])):
        weight.copy_(piece.view_as(weight))


def distributions(net: nn.Module, logits: Tensor, rows: Tensor) -> Tensor:
    place = row_of([F.pad(rows, (back, 0), value=SEPARATOR)[:, :rows.size(1)] for back in range(NGRAM_BYTES)])
    known = (net.table[place].float() / 255).square()
    known = F.pad(known / known.sum(-1, keepdim=True).clamp(min=1.0), (0, 128)) * NGRAM_SHARE
    return (logits.float().softmax(-1) * (1 - known.sum(-1, keepdim=True)) + known).clamp(min=1e-30).log()
