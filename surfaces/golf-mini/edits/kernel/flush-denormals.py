# hypothesis: vanishing gradients and moments become denormal numbers, which a processor handles many times slower than zeros
# file: kernel.py
# source: Dooley and Kale, Quantifying the Interference Caused by Subnormal Floating-Point Values (2006)
# excludes: compiled-step


def prepare(net: nn.Module):
    torch.set_flush_denormal(True)
    return net
