# hypothesis: blocks that start silent let the embeddings and the head agree first, and then join in where they help
# file: model.py
# source: Zhang et al., Fixup Initialization: Residual Learning Without Normalization (2019); Karpathy, nanochat (2025)


def start_weights(net: GPT) -> None:
    for name, weight in net.named_parameters():
        if weight.ndim != 2:
            continue
        if name.endswith("project.weight"):
            nn.init.zeros_(weight)
        elif name.startswith(("embedding.", "head.")):
            nn.init.normal_(weight, std=EMBEDDING_STD if name.startswith("embedding.") else HEAD_STD)
        else:
            nn.init.uniform_(weight, -MATRIX_GAIN * (3 / weight.size(1)) ** 0.5, MATRIX_GAIN * (3 / weight.size(1)) ** 0.5)
