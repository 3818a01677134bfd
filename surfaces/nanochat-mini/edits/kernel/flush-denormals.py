# hypothesis: numbers that fade to denormals cost a processor many times what a zero costs, and squared ReLU makes a lot of them
# file: kernel.py
# source: Dooley and Kale, Quantifying the Interference Caused by Subnormal Floating-Point Values (2006)


def compile_net(net: nn.Module):
    torch.set_flush_denormal(True)
    return net
