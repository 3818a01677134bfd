# hypothesis: weights as plain bytes, in an order both sides know, spare the archive that is written and parsed around them
# file: kernel.py
# source: Hugging Face, the safetensors format (2022)
def pack(net: nn.Module) -> bytes:
    return b"".join(value.detach().contiguous().float().numpy().tobytes() for value in net.state_dict().values())


def unpack(artifact: bytes, net: nn.Module) -> None:
    raw, place = torch.frombuffer(bytearray(artifact), dtype=torch.float32), 0
    with torch.no_grad():
        for value in net.state_dict().values():
            value.copy_(raw[place:place + value.numel()].view(value.shape))
            place += value.numel()
