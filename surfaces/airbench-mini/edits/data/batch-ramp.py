# hypothesis: small batches find the way and large ones settle on it; steps are spent where they are worth most
# file: data.py
# source: Smith et al., Don't Decay the Learning Rate, Increase the Batch Size (2017)
# excludes: growing-images, settling-shift, easy-once
FIRST_BATCH = 32
LAST_BATCH = 128


class Sampler:
    def epoch(self, progress: float):
        order = self.order(progress)
        inputs, labels = augment(self.inputs[order], self.generator), self.labels[order]
        size = FIRST_BATCH if progress < 0.3 else BATCH if progress < 0.7 else LAST_BATCH
        for start in range(0, len(order), size):
            yield inputs[start:start + size], labels[start:start + size]
