# hypothesis: speeches whose byte pairs resemble the newest ones teach the most, whatever their year
# file: data.py
# source: Moore and Lewis, Intelligent Selection of Language Model Training Data (2010); Xie et al., Data Selection via Importance Resampling (2023)
# excludes: recency-weighting
TARGET_FRACTION = 0.2  # of the bytes, at the end, that the others are compared with
RESEMBLANCE = 40.0  # how steeply the weight falls with the difference in nats a byte


def pair_rates(text: Tensor) -> Tensor:
    """Log of how often each byte follows each other one."""
    counts = torch.bincount(text[:-1].long() * 256 + text[1:].long(), minlength=65536).float().view(256, 256) + 0.1
    return (counts / counts.sum(1, keepdim=True)).log()


def weigh_documents(documents: list[tuple[int, int]], train_bytes: Tensor) -> Tensor:
    newest = pair_rates(train_bytes[int(len(train_bytes) * (1 - TARGET_FRACTION)):])
    gain = (newest - pair_rates(train_bytes)).flatten()
    weights = []
    for start, end in documents:
        text = train_bytes[start:end].long()
        weights.append((end - start) * torch.exp(RESEMBLANCE * gain[text[:-1] * 256 + text[1:]].mean()).item())
    return torch.tensor(weights)
