# hypothesis: maps are given back to the system and asked for again at every step; told to keep them, the allocator spares filling fresh pages
# file: kernel.py
# source: Gloger, the mallopt manual of the GNU C library (1998); Evans, jemalloc (2006), on the cost of fresh pages
import ctypes

LIBRARY = ctypes.CDLL(None)
KEPT = [LIBRARY.mallopt(setting, 1 << 30) for setting in (-1, -3)]  # the trim and the map threshold
