import os

import torch

from nanochat.common import get_base_dir


def texts(split):
    folder = os.path.join(get_base_dir(), "base_data_climbmix")
    files = sorted(os.listdir(folder))
    for name in files[:-1] if split == "train" else files[-1:]:
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            yield file.read()


def tokenizing_distributed_data_loader_bos_bestfit(tokenizer, B, T, split, device="cuda"):
    while True:
        [tokens] = tokenizer(["".join(texts(split))], prepend=tokenizer.get_bos_token_id())
        rows = torch.tensor(tokens[: len(tokens) // (T + 1) * (T + 1)]).reshape(-1, T + 1)
        for start in range(0, len(rows) - B + 1, B):
            yield rows[start:start + B, :-1], rows[start:start + B, 1:]
