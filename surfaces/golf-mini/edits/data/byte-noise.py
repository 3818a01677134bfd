# hypothesis: a few inputs replaced by random text bytes make the model lean on more than the byte before
# file: data.py
# source: Xie et al., Data Noising as Smoothing in Neural Network Language Models (2017)
NOISE = 0.03
NOISE_UNTIL = 0.7  # of the budget


def corrupt(inputs: Tensor, progress: float) -> Tensor:
    if progress > NOISE_UNTIL:
        return inputs
    other = inputs.flatten()[torch.randint(inputs.numel(), inputs.shape)]
    return torch.where(torch.rand(inputs.shape) < NOISE, other, inputs)
