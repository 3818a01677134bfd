# hypothesis: the last epoch should see images as they will be asked, so that what was learnt settles on them
# file: data.py
# source: Touvron et al., Fixing the Train-Test Resolution Discrepancy (2019), its idea of a last phase without the distortion
# excludes: growing-images, batch-ramp, easy-once
SETTLED = 0.6  # fraction of the training after which images stay where they are


class Sampler:
    def epoch(self, progress: float):
        order = self.order(progress)
        inputs, labels = self.inputs[order], self.labels[order]
        if progress < SETTLED:
            inputs = augment(inputs, self.generator)
        for start in range(0, len(order), BATCH):
            yield inputs[start:start + BATCH], labels[start:start + BATCH]
