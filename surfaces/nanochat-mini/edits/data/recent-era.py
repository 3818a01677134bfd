# hypothesis: what is asked is recent English: old speeches spend steps on words and turns of phrase that no item uses
# file: data.py
# source: Gururangan et al., Don't Stop Pretraining: Adapt Language Models to Domains and Tasks (2020)
# excludes: anneal-recent, sliding-era
RECENT_SHARE = 0.3  # of the bytes, the newest ones


def choose_documents(documents: Tensor, train_bytes: Tensor) -> Tensor:
    return documents[documents[:, 1] > len(train_bytes) * (1 - RECENT_SHARE)]
