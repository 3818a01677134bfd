# hypothesis: what a digit roughly is can be learnt at half the side for a quarter of the time; only the end needs every pixel
# file: data.py
# source: Howard, progressive resizing in fast.ai's DAWNBench entry (2018); Karras et al., Progressive Growing (2017)
# excludes: settling-shift, batch-ramp, trim-borders, easy-once
SMALL_SIDE = 20
GROWN = 0.3  # fraction of the training after which images are shown as they are


class Sampler:
    def epoch(self, progress: float):
        order = self.order(progress)
        inputs, labels = augment(self.inputs[order], self.generator), self.labels[order]
        if progress < GROWN:
            inputs = F.interpolate(inputs, size=(SMALL_SIDE, SMALL_SIDE), mode="area")
        for start in range(0, len(order), BATCH):
            yield inputs[start:start + BATCH], labels[start:start + BATCH]
