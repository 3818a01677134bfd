# hypothesis: a compiled model fuses the small operations that a step mostly consists of; the compiler's own seconds are spent from the budget
# file: kernel.py
# source: Ansel et al., PyTorch 2: Faster Machine Learning Through Dynamic Python Bytecode Transformation and Graph Compilation (2024)
# excludes: quantisation-aware, flush-denormals


def prepare(net: nn.Module):
    torch._dynamo.config.suppress_errors = True  # where no compiler is found, the model runs as it is
    return torch.compile(net, dynamic=False)
