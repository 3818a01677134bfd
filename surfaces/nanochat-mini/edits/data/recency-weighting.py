# hypothesis: drawing newer speeches more often follows the language as it drifts, and still shows what is old
# file: data.py
# source: Lazaridou et al., Mind the Gap: Assessing Temporal Generalization in Neural Language Models (2021)
# excludes: importance-resampling
HALVING = 0.15  # of all bytes, back from the end, over which a document's weight halves


def weigh_documents(documents: Tensor, train_bytes: Tensor) -> Tensor:
    age = 1 - documents.float().mean(1) / len(train_bytes)
    return (documents[:, 1] - documents[:, 0]) * torch.exp2(-age / HALVING)
