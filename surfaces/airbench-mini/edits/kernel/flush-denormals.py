# hypothesis: numbers too small for a normalised exponent are computed many times slower, and mean nothing here
# file: kernel.py
# source: Intel, the flush-to-zero mode of its processors' manual (1999)
# excludes: reuse-memory
def prepare(net: nn.Module) -> nn.Module:
    torch.set_flush_denormal(True)
    return net.to(memory_format=torch.channels_last) if CHANNELS_LAST else net
