# hypothesis: a scale that clips a row's few largest weights rounds all the others more finely, so that fewer codes do
# file: kernel.py
# source: Banner et al., Post Training 4-bit Quantization of Convolutional Networks for Rapid-Deployment (2019)
# excludes: codebook, two-sided-scales
CLIP_LEAST = 0.5
CLIP_TRIALS = 16


def row_scales(matrix: Tensor) -> Tensor:
    largest = (matrix.abs().amax(1, keepdim=True) / LARGEST_CODE).clamp(min=1e-8)
    best, least = largest, torch.full_like(largest, float("inf"))
    for share in torch.linspace(CLIP_LEAST, 1.0, CLIP_TRIALS):
        scales = largest * share
        error = ((matrix / scales).round().clamp(-LARGEST_CODE, LARGEST_CODE) * scales - matrix).square().sum(1, keepdim=True)
        best, least = torch.where(error < least, scales, best), torch.minimum(error, least)
    return best
