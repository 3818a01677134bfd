"""Loads a sealed nanochat checkpoint into the recipe's own model and answers questions about tokens on descriptor 3.

  P1. What is asked is answered with its question's nonce. Whatever this process says, the scorer outside audits it: it is the recipe's process.
"""
import io
import json
import os
import struct
import tarfile

import torch

QUESTION = struct.Struct('<4sIII16s')  # magic, kind, rows, tokens a row, nonce
ANSWER = struct.Struct('<4sIII16s')  # magic, kind, rows, numbers a row, the question's nonce
LOSSES, DISTRIBUTION = 1, 2
CHUNK = 1 << 28  # logits held at once, in numbers: 1 GB


def load(path, device):
    from nanochat.gpt import GPT, GPTConfig

    with tarfile.open(path) as archive:
        weights, described = (archive.extractfile(name).read() for name in ('model.pt', 'meta.json'))
    config = GPTConfig(**json.loads(described)['model_config'])
    with torch.device('meta'):
        model = GPT(config)
    model.to_empty(device=device)
    model.init_weights()
    state = torch.load(io.BytesIO(weights), map_location=device)
    state = {name.removeprefix('_orig_mod.'): tensor.float() if device.type == 'cpu' and tensor.is_floating_point() else tensor for name, tensor in state.items()}
    model.load_state_dict(state, strict=True, assign=True)
    return model.eval(), config.vocab_size


@torch.inference_mode()
def said(model, vocabulary, kind, tokens):
    """LOSSES: nats of every token but the first of each row, then the likeliest token at each of those places. DISTRIBUTION: log-probabilities of what follows each row."""
    if kind == DISTRIBUTION:
        return model(tokens)[:, -1].float().log_softmax(-1)
    at_once = max(1, CHUNK // (tokens.shape[1] * vocabulary))
    parts = []
    for start in range(0, len(tokens), at_once):
        rows = tokens[start:start + at_once]
        logits = model(rows)[:, :-1].float()
        nats = -logits.log_softmax(-1).gather(-1, rows[:, 1:, None])[..., 0]
        parts.append(torch.cat([nats, logits.argmax(-1).float()], dim=1))
    return torch.cat(parts)


def read_exactly(count):
    held = bytearray()
    while len(held) < count:
        piece = os.read(3, min(count - len(held), 1 << 20))
        if not piece:
            os._exit(0)  # the scorer has heard enough
        held += piece
    return held


def serve(path):
    device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    model, vocabulary = load(path, device)
    print('brigade: loaded', flush=True)
    while True:
        _, kind, rows, width, nonce = QUESTION.unpack(read_exactly(QUESTION.size))
        tokens = torch.frombuffer(read_exactly(rows * width * 2), dtype=torch.uint16).to(device, torch.int64).reshape(rows, width)
        numbers = said(model, vocabulary, kind, tokens).to('cpu', torch.float32).contiguous()
        view = memoryview(ANSWER.pack(b'BNA1', kind, *numbers.shape, nonce) + numbers.numpy().tobytes())
        while view:
            view = view[os.write(3, view[: 1 << 20]):]
