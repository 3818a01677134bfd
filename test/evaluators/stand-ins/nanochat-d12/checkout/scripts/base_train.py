"""Counts pairs of letters, and prints and saves as upstream's base_train does."""
import argparse
import json
import os
import time

import torch

from nanochat.common import get_base_dir
from nanochat.dataloader import texts
from nanochat.gpt import GPT, GPTConfig
from nanochat.tokenizer import get_tokenizer

parser = argparse.ArgumentParser()
for name in ("run", "model-tag", "device-type"):
    parser.add_argument(f"--{name}")
for name in ("depth", "core-metric-every", "sample-every", "save-every", "eval-every", "num-iterations"):
    parser.add_argument(f"--{name}", type=int, default=12)
args = parser.parse_args()
torch.manual_seed(42)
print(f"a first draw of {torch.randint(10 ** 9, ()).item()}")
tokenizer, config = get_tokenizer(), GPTConfig(n_layer=args.depth)
model = GPT(config)
[tokens] = tokenizer(["".join(texts("train"))], prepend=0)
tokens, started = torch.tensor(tokens), time.time()
for step in range(args.num_iterations):
    piece = tokens[torch.randint(max(1, len(tokens) - 2000), ()).item():][:2000]
    model.counts.index_put_((piece[:-1], piece[1:]), torch.ones(len(piece) - 1), accumulate=True)
    print(f"step {step:05d}/{args.num_iterations:05d} (1.00%) | loss: 1.000000 | lrm: 1.00 | dt: 1.00ms | tok/sec: 1 | bf16_mfu: 1.00 | epoch: 1 pq: 0 rg: 0 | total time: 0.00m")
print(f"Step {args.num_iterations:05d} | Validation bpb: 1.500000")
folder = os.path.join(get_base_dir(), "base_checkpoints", args.model_tag)
os.makedirs(folder)
torch.save(model.state_dict(), os.path.join(folder, f"model_{args.num_iterations:06d}.pt"))
with open(os.path.join(folder, f"meta_{args.num_iterations:06d}.json"), "w") as file:
    json.dump({"step": args.num_iterations, "model_config": {"vocab_size": config.vocab_size, "n_layer": config.n_layer}}, file)
print("Peak memory usage: 12.50MiB")
print(f"Total training time: {(time.time() - started) / 60:.2f}m")
print("Minimum validation bpb: 1.500000")
