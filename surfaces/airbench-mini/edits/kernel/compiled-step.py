# hypothesis: a compiled step fuses what is done point by point and reads every map once
# file: kernel.py
# source: Ansel et al., PyTorch 2 (2024)
# excludes: bfloat16-steps, selective-steps, freezing-stem
def train_step(run, inputs: Tensor, labels: Tensor, loss_of, updater, progress: float) -> None:
    if "compiled" not in updater.__dict__:
        updater.compiled = torch.compile(run, backend="aot_eager", dynamic=False)
    loss_of(updater.compiled(arrange(inputs)), labels, progress).backward()
    updater.update(progress)
