# hypothesis: speeches of any year whose hashed words resemble those of the newest teach what is asked, and the rest is noise
# file: data.py
# source: Xie et al., Data Selection for Language Models via Importance Resampling (2023)
# excludes: recency-weighting
MODEL_SHARE = 0.2  # of the bytes, the newest, that others are compared with
STEEPNESS = 8.0  # of the weight, in nats a feature
BUCKETS = 4096


def features(text: Tensor) -> Tensor:
    """Counts of hashed triples of bytes."""
    text = text.long()
    return torch.bincount((text[:-2] * 65599 + text[1:-1] * 257 + text[2:] * 31) % BUCKETS, minlength=BUCKETS).float()


def weigh_documents(documents: Tensor, train_bytes: Tensor) -> Tensor:
    counts = torch.stack([features(train_bytes[start:end]) for start, end in documents.tolist()])
    newest = counts[documents[:, 0] > len(train_bytes) * (1 - MODEL_SHARE)].sum(0) + 1
    gain = (newest / newest.sum()).log() - ((counts.sum(0) + 1) / (counts.sum() + BUCKETS)).log()
    likeness = (counts / counts.sum(1, keepdim=True)) @ gain
    return (documents[:, 1] - documents[:, 0]) * torch.exp(STEEPNESS * (likeness - likeness.max()))
