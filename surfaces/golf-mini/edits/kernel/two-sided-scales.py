# hypothesis: scaling columns as well as rows evens out what a row's outliers cost the rest, so that coarser codes lose less
# file: kernel.py
# source: Mueller et al., SINQ: Sinkhorn-Normalized Quantization (2025)
# excludes: codebook, clip-search
BALANCING_STEPS = 8


def quantise(matrix: Tensor) -> tuple[Tensor, Tensor]:
    columns = torch.ones(1, matrix.size(1))
    for _ in range(BALANCING_STEPS):
        rows = (matrix / columns).square().mean(1, keepdim=True).sqrt().clamp(min=1e-6)
        columns = (matrix / rows).square().mean(0, keepdim=True).sqrt().clamp(min=1e-3)
    columns = columns.half().float()
    rows = row_scales(matrix / columns).half().clamp(min=6e-8)
    codes = round_codes(matrix / columns / rows.float()).clamp(-LARGEST_CODE, LARGEST_CODE).to(torch.int8)
    return codes, torch.cat((rows.flatten(), columns.half().flatten()))


def dequantise(codes: Tensor, scales: Tensor) -> Tensor:
    rows, columns = scales.float().split(list(codes.shape))
    return codes.float() * rows[:, None] * columns


def side_shape(shape: torch.Size) -> tuple[int, ...]:
    return (shape[0] + shape[1],)
