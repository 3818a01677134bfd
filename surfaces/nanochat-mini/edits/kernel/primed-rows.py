# hypothesis: a row asked about starts from nothing, but the model was trained on rows in full flow: a stock phrase before it gives attention somewhere to rest
# file: kernel.py
# source: Xiao et al., Efficient Streaming Language Models with Attention Sinks (2024)
PRIMER = b"\0Members of the Congress: "


def open_rows(tokens: Tensor) -> Tensor:
    return torch.cat((torch.tensor(list(PRIMER)).expand(tokens.size(0), -1), tokens), 1)
