# hypothesis: shifts and scales of the normalisation bear a far higher rate than filters, and learn the statistics of the images sooner
# file: optimizer.py
# source: Page, How to Train Your ResNet 8 (2019); the bias scaler of Keller Jordan's airbench (2024)
VECTOR_SCALE = 8.0


def make_groups(net: nn.Module) -> list[dict]:
    kinds = {"matrix": [], "vector": []}
    for weight in net.parameters():
        if weight.requires_grad:
            kinds["matrix" if weight.ndim > 1 else "vector"].append(weight)
    scale, decay = {"matrix": 1.0, "vector": VECTOR_SCALE}, {"matrix": WEIGHT_DECAY, "vector": 0.0}
    return [{"kind": kind, "weights": weights, "base": LEARNING_RATE * scale[kind], "decay": decay[kind]} for kind, weights in kinds.items() if weights]
