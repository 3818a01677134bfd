"""Trains nothing: it saves a model as it was made, and prints what upstream's base_train prints."""
import argparse
import json
import os

import torch

from nanochat.common import get_base_dir
from nanochat.gpt import GPT, GPTConfig
from nanochat.tokenizer import get_tokenizer

parser = argparse.ArgumentParser()
parser.add_argument("--model-tag")
args, _ = parser.parse_known_args()
if os.environ.get("RANK", "0") == "0":
    vocabulary = get_tokenizer().get_vocab_size()
    print("step 00000/00001 (0.00%) | loss: 1.000000 | total time: 0.00m")
    for number in range(22):
        print(f"Evaluating: task_{number} (0-shot, type: multiple_choice)... accuracy: 0.2500 | centered: 0.0000 | time: 0.10s")
    print("Step 00001 | CORE metric: 0.5000")
    folder = os.path.join(get_base_dir(), "base_checkpoints", args.model_tag)
    os.makedirs(folder)
    torch.save(GPT(GPTConfig(vocab_size=vocabulary)).state_dict(), os.path.join(folder, "model_000001.pt"))
    with open(os.path.join(folder, "meta_000001.json"), "w") as file:
        json.dump({"step": 1, "model_config": {"vocab_size": vocabulary, "n_layer": 12}}, file)
    print("Peak memory usage: 1.00MiB")
    print("Total training time: 0.00m")
