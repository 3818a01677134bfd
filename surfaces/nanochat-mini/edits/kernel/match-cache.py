# hypothesis: names and phrases return within a text: what followed the last few bytes earlier in the row says what follows them now
# file: kernel.py
# source: Grave et al., Improving Neural Language Models with a Continuous Cache (2017)
# excludes: ngram-mixture
CACHE_BYTES = 4  # that must match
CACHE_SHARE = 0.4  # of an answer, where there is a match


def distributions(net: nn.Module, logits: Tensor, rows: Tensor) -> Tensor:
    answers = logits.float().log_softmax(-1)
    length = rows.size(1)
    matched = torch.ones(len(rows), length, length).tril(-1)
    for back in range(CACHE_BYTES):
        shifted = F.pad(rows, (back, 0), value=-1)[:, :length]
        matched *= shifted[:, :, None] == shifted[:, None, :]
    followers = F.pad(rows, (0, 1))[:, None, 1:].expand(-1, length, -1)
    counts = torch.zeros_like(answers).scatter_add_(2, followers, matched)
    total = counts.sum(-1, keepdim=True)
    share = CACHE_SHARE * (total > 0)
    return (answers.exp() * (1 - share) + share * counts / total.clamp(min=1)).clamp(min=1e-30).log()
