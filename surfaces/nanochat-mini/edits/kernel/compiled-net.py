# hypothesis: a compiler that fuses the many small operations of a step pays for its own seconds before the budget is spent
# file: kernel.py
# source: Ansel et al., PyTorch 2: Faster Machine Learning Through Dynamic Python Bytecode Transformation and Graph Compilation (2024)
# excludes: flush-denormals


def compile_net(net: nn.Module):
    torch._dynamo.config.suppress_errors = True  # where no compiler is found, the net runs as it is
    return torch.compile(net)
