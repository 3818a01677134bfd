# hypothesis: an adaptive range coder without matches fits the bell shape of the codes closer than whole-bit Huffman codes do
# file: kernel.py
# source: Igor Pavlov, the LZMA algorithm (1998); Martin, Range Encoding (1979)
import lzma

LITERAL_BITS = 0  # of the byte before, that choose the statistics


def coder() -> dict:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 9, "lc": LITERAL_BITS, "lp": 0, "pb": 0}]
    return {"format": lzma.FORMAT_RAW, "filters": filters}


def compress(raw: bytes) -> bytes:
    return lzma.compress(raw, **coder())


def decompress(packed: bytes) -> bytes:
    return lzma.decompress(packed, **coder())
