# hypothesis: most images are right by the middle of training and their gradients nearly nothing; going back through the worst half alone saves their time
# file: kernel.py
# source: Jiang et al., Accelerating Deep Learning by Focusing on the Biggest Losers (2019)
# excludes: bfloat16-steps, freezing-stem, compiled-step
SELECT_FROM = 0.4  # fraction of the training after which images are selected
SELECTED = 0.5


def train_step(run, inputs: Tensor, labels: Tensor, loss_of, updater, progress: float) -> None:
    inputs = arrange(inputs)
    if progress > SELECT_FROM:
        with torch.no_grad():
            wrong = -run(inputs).log_softmax(-1).gather(1, labels[:, None])[:, 0]
        worst = wrong.topk(max(2, int(len(labels) * SELECTED))).indices
        inputs, labels = arrange(inputs[worst]), labels[worst]
    loss_of(run(inputs), labels, progress).backward()
    updater.update(progress)
