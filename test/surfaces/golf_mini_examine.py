"""Trains each recipe folder it is given for a moment and prints one JSON line about it: golf_mini_examine.py <folder>...

Each is examined in a forked child, so that none sees another's modules and torch is loaded once.
"""
import json
import os
import sys
import time
import traceback

import torch

PHRASES = (b"the state of the union is strong and the people know it; ", b"we shall go on together, and congress will act.\n")
PREFIXES = (0, 1, 64, 128, 129, 200, 257)
SEEN = 200  # bytes of a row that stay as they are when what follows them is changed


class Budget:
    def __init__(self, seconds: float):
        self.seconds, self.start = seconds, time.process_time()

    def elapsed(self) -> float:
        return time.process_time() - self.start

    def done(self) -> bool:
        return self.elapsed() >= self.seconds


def speeches() -> torch.Tensor:
    """Text of the shape that a recipe is given: documents, oldest first, a zero byte after each."""
    draws = torch.randint(len(PHRASES), (12, 40), generator=torch.Generator().manual_seed(0)).tolist()
    return torch.frombuffer(bytearray(b"".join(b"".join(PHRASES[i] for i in draw) + b"\0" for draw in draws)), dtype=torch.uint8)


def examine(folder: str) -> dict:
    """How often it stepped, what it packed, and how far its predictor is from a causal distribution."""
    sys.dont_write_bytecode = True
    sys.path.insert(0, folder)
    import kernel
    import recipe

    steps, step = [], recipe.train_step
    recipe.train_step = lambda run, sampler, updater, progress: (step(run, sampler, updater, progress), steps.append(progress))
    text = speeches()
    artifact = recipe.train(Budget(kernel.RESERVE_SECONDS + 0.04), text, 7)
    changed = text[:600].long().view(2, 300).clone()
    changed[1] = torch.randint(256, (300,), generator=torch.Generator().manual_seed(1))
    rows = changed.clone()
    changed[:, SEEN:] = (changed[:, SEEN:] + 1) % 256
    answers, others = recipe.load(artifact).logprobs(rows), recipe.load(artifact).logprobs(changed)
    auditor = recipe.load(artifact)
    asked = [auditor.logprobs(rows[1:, :length])[0, -1] for length in PREFIXES]
    return {
        "steps": len(steps),
        "artifactBytes": len(artifact),
        "shape": list(answers.shape),
        "dtype": str(answers.dtype),
        "finite": bool(answers.isfinite().all()),
        "sumError": (answers.exp().sum(-1) - 1).abs().max().item(),
        "leak": (answers[:, :SEEN + 1] - others[:, :SEEN + 1]).abs().max().item(),
        "prefixError": max((answer - answers[1, length]).abs().max().item() for length, answer in zip(PREFIXES, asked)),
    }


def examine_apart(folder: str) -> dict:
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        try:
            found = examine(folder)
        except BaseException:
            found = {"error": traceback.format_exc()[-2000:]}
        os.write(writer, json.dumps(found).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return json.loads(said or '{"error": "its process died"}')


if __name__ == "__main__":
    torch.set_num_threads(1)
    for folder in sys.argv[1:]:
        print(json.dumps({"folder": folder, **examine_apart(folder)}), flush=True)
