"""Writes the tokenizer that upstream's code reads: python make_tokenizer.py FOLDER, with the stand-in for tiktoken on the path."""
import os
import pickle
import sys

import tiktoken
import torch

with open(os.path.join(sys.argv[1], "tokenizer.pkl"), "wb") as file:
    pickle.dump(tiktoken.Encoding(), file)
torch.save(torch.tensor([1] * (tiktoken.Encoding.n_vocab - 1) + [0], dtype=torch.int32), os.path.join(sys.argv[1], "token_bytes.pt"))
