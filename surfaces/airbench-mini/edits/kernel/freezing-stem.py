# hypothesis: the first filters find edges and are done early; once they are frozen, the dearest part of every step back falls away
# file: kernel.py
# source: Brock et al., FreezeOut: Accelerate Training by Progressively Freezing Layers (2017)
# excludes: bfloat16-steps, selective-steps, compiled-step
FREEZE_AT = 0.5


def train_step(run, inputs: Tensor, labels: Tensor, loss_of, updater, progress: float) -> None:
    if progress > FREEZE_AT and updater.groups[0]["weights"][0].requires_grad:
        frozen = {id(weight) for weight in run.stages[0].parameters()}
        for group in updater.groups:
            keep = [k for k, weight in enumerate(group["weights"]) if id(weight) not in frozen]
            for name, values in group.items():
                if isinstance(values, list):
                    group[name] = [values[k] for k in keep]
        run.stages[0].requires_grad_(False)
        updater.groups[:] = [group for group in updater.groups if group["weights"]]
    loss_of(run(arrange(inputs)), labels, progress).backward()
    updater.update(progress)
