"""Writes made-up shards in upstream's format: python make_shards.py FOLDER. A language of 96 pieces in which each is followed by few others."""
import json
import os
import sys

import numpy as np

folder = sys.argv[1]
os.makedirs(os.path.join(folder, "tokenizers"))
os.makedirs(os.path.join(folder, "datasets"))
generator = np.random.default_rng(7)
letters = [chr(97 + k % 26) + chr(97 + k // 26) for k in range(95)]
pieces = ["<s>"] + [("\u2581" if k % 3 else "") + letter + ("\u00e9" if k % 10 == 0 else "") for k, letter in enumerate(letters)]
with open(os.path.join(folder, "tokenizers", "made_up.model"), "w", encoding="utf-8") as file:
    json.dump(pieces, file)
follows = generator.dirichlet(np.full(95, 0.1), size=96).cumsum(1)


def write(name, count):
    tokens, draws = np.zeros(count, dtype="<u2"), generator.random(count)
    for k in range(1, count):
        tokens[k] = 0 if k % 700 == 0 else 1 + min(94, np.searchsorted(follows[tokens[k - 1]], draws[k]))
    header = np.zeros(256, dtype="<i4")
    header[:3] = 20240520, 1, count
    with open(os.path.join(folder, "datasets", name), "wb") as file:
        file.write(header.tobytes() + tokens.tobytes())


write("fineweb_train_000000.bin", 60_000)
write("fineweb_train_000001.bin", 60_000)
write("fineweb_val_000000.bin", 90_000)
