# hypothesis: hiding a word's bytes now and then makes the model use the words around it, which is what the tasks ask
# file: data.py
# source: Iyyer et al., Deep Unordered Composition Rivals Syntactic Methods for Text Classification (2015), its word dropout
HIDDEN_SHARE = 0.05  # of the words
HIDDEN_BYTE = 127
HIDDEN_UNTIL = 0.75  # of the budget


def disturb(inputs: Tensor, progress: float) -> Tensor:
    if progress > HIDDEN_UNTIL:
        return inputs
    borders = inputs <= ord(" ")
    word = borders.cumsum(1)
    hidden = torch.rand(inputs.size(0), inputs.size(1) + 1) < HIDDEN_SHARE
    return torch.where(hidden.gather(1, word) & ~borders, HIDDEN_BYTE, inputs)
