# hypothesis: a few values placed where a matrix's weights are need half the bits of evenly spaced ones
# file: kernel.py
# source: Han et al., Deep Compression (2015)
# excludes: clip-search, two-sided-scales, quantisation-aware
CODEBOOK_SIZE = 32
CODEBOOK_STEPS = 12


def quantise(matrix: Tensor) -> tuple[Tensor, Tensor]:
    flat = matrix.flatten()
    values = torch.quantile(flat, (torch.arange(CODEBOOK_SIZE) + 0.5) / CODEBOOK_SIZE)
    for _ in range(CODEBOOK_STEPS):
        codes = torch.bucketize(flat, (values[1:] + values[:-1]) / 2)
        count = torch.bincount(codes, minlength=CODEBOOK_SIZE)
        mean = torch.bincount(codes, flat, minlength=CODEBOOK_SIZE) / count.clamp(min=1)
        values = torch.where(count > 0, mean.float(), values).sort().values
    values = values.half()
    codes = torch.bucketize(flat, (values[1:].float() + values[:-1].float()) / 2)
    return codes.view_as(matrix).to(torch.uint8).view(torch.int8), values


def dequantise(codes: Tensor, scales: Tensor) -> Tensor:
    return scales.float()[codes.view(torch.uint8).long()]


def side_shape(shape: torch.Size) -> tuple[int, ...]:
    return (CODEBOOK_SIZE,)
