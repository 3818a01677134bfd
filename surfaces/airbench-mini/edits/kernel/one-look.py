# hypothesis: four further views of every image cost most of the answering and buy a tenth of a point; one look may be enough
# file: kernel.py
# source: the test-time augmentation levels of Keller Jordan's airbench (2024)
# excludes: second-look, two-looks
def views(inputs: Tensor) -> list[Tensor]:
    return [inputs]
