# hypothesis: drawing recent speeches more often follows the language as it drifts without forgetting the rest
# file: data.py
# source: Lazaridou et al., Mind the Gap: Assessing Temporal Generalization in Neural Language Models (2021)
# excludes: resemblance-weighting
HALF_LIFE = 0.15  # of all bytes, counted back from the end


def weigh_documents(documents: list[tuple[int, int]], train_bytes: Tensor) -> Tensor:
    bounds = torch.tensor(documents).float()
    age = 1 - bounds.mean(1) / len(train_bytes)
    return (bounds[:, 1] - bounds[:, 0]) * 0.5 ** (age / HALF_LIFE)
