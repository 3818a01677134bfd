# hypothesis: products in bfloat16 move half the bytes, and seven bits of fraction are enough for a gradient this noisy
# file: kernel.py
# source: Kalamkar et al., A Study of BFLOAT16 for Deep Learning Training (2019)


class Engine:
    def loss(self, inputs: Tensor, targets: Tensor, weights: Tensor | None) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = self.run(inputs)
        return loss_of(logits.float(), targets, weights)
