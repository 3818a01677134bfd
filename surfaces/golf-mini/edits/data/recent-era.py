# hypothesis: what is held out is recent: old speeches teach words and spellings that the score never asks for
# file: data.py
# source: Gururangan et al., Don't Stop Pretraining: Adapt Language Models to Domains and Tasks (2020)
# excludes: anneal-recent
RECENT_FRACTION = 0.25  # of the bytes, counted from the end


def select_documents(documents: list[tuple[int, int]], train_bytes: Tensor) -> list[tuple[int, int]]:
    oldest = len(train_bytes) * (1 - RECENT_FRACTION)
    return [document for document in documents if document[1] > oldest]
