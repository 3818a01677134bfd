# hypothesis: maps are given back to the system and asked for again at every step; told to keep them, the allocator spares filling fresh pages
# file: kernel.py
# source: Gloger, the mallopt manual of the GNU C library (1998); Evans, jemalloc (2006), on the cost of fresh pages
# excludes: flush-denormals
import ctypes


def prepare(net: nn.Module) -> nn.Module:
    for setting in (-1, -3):  # what is trimmed, and what is mapped by itself
        ctypes.CDLL(None).mallopt(setting, 1 << 30)
    return net.to(memory_format=torch.channels_last) if CHANNELS_LAST else net
