# hypothesis: the filters that follow can scale as well, so that the normalisation's own scales need not be learnt
# file: model.py
# source: Page, How to Train Your ResNet 8 (2019); the frozen scales of Keller Jordan's airbench (2024)
class Norm:
    def __init__(self, width: int):
        super().__init__(width, momentum=BATCH_NORM_MOMENTUM)
        self.weight.requires_grad_(False)
