# hypothesis: sixteen bits are enough for a step of a few hundred, and this processor multiplies them twice as fast
# file: kernel.py
# source: Kalamkar et al., A Study of BFLOAT16 for Deep Learning Training (2019)
# excludes: selective-steps, freezing-stem, compiled-step
def train_step(run, inputs: Tensor, labels: Tensor, loss_of, updater, progress: float) -> None:
    with torch.autocast("cpu", torch.bfloat16):
        logits = run(arrange(inputs))
    loss_of(logits.float(), labels, progress).backward()
    updater.update(progress)
