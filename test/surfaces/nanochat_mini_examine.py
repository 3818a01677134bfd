"""Trains each recipe folder it is given for a moment and prints one JSON line about it: nanochat_mini_examine.py <folder>...

Each is examined in a forked child, so that none sees another's modules and torch is loaded once.
"""
import json
import os
import sys
import time
import traceback

import torch

PHRASES = (b"My fellow citizens, the work before us is plain. ", b"We ask the Congress to act, and the people to judge.\n")
ASKED = (0, 1, 63, 127, 128, 190, 255)  # places of the second row, each asked again from its prefix
KEPT = 200  # bytes of a row that stay as they are when those after them are changed


class Budget:
    def __init__(self, seconds: float):
        self.seconds, self.start = seconds, time.process_time()

    def elapsed(self) -> float:
        return time.process_time() - self.start

    def done(self) -> bool:
        return self.elapsed() >= self.seconds


def speeches() -> torch.Tensor:
    """Text of the shape that a recipe is given: documents, oldest first, a zero byte after each."""
    drawn = torch.randint(len(PHRASES), (10, 30), generator=torch.Generator().manual_seed(0)).tolist()
    return torch.frombuffer(bytearray(b"".join(b"".join(PHRASES[k] for k in picks) + b"\0" for picks in drawn)), dtype=torch.uint8)


def largest(difference: torch.Tensor) -> float:
    return difference.abs().max().item()


def examine(folder: str) -> dict:
    """How often it stepped, what it saved, and how far its answers are from causal distributions that no other row moves."""
    sys.dont_write_bytecode = True
    sys.path.insert(0, folder)
    import kernel
    import recipe

    steps, backward = [], recipe.Engine.backward
    recipe.Engine.backward = lambda engine, loader, progress: (backward(engine, loader, progress), steps.append(progress))
    text = speeches()
    artifact = recipe.train(Budget(kernel.RESERVE_SECONDS + 0.04), text, 11)
    rows = text[:512].long().view(2, 256).clone()
    rows[1] = torch.randint(256, (256,), generator=torch.Generator().manual_seed(1))
    later = rows.clone()
    later[:, KEPT:] = (later[:, KEPT:] + 1) % 256
    answers, moved = recipe.load(artifact).logprobs(rows), recipe.load(artifact).logprobs(later)
    alone = recipe.load(artifact)
    return {
        "steps": len(steps),
        "artifactBytes": len(artifact),
        "shape": list(answers.shape),
        "dtype": str(answers.dtype),
        "finite": bool(answers.isfinite().all()),
        "sumError": largest(answers.exp().sum(-1) - 1),
        "leak": largest(answers[:, :KEPT + 1] - moved[:, :KEPT + 1]),
        "prefixError": max(largest(alone.logprobs(rows[1:, :place])[0, -1] - answers[1, place]) for place in ASKED),
        "companyError": largest(alone.logprobs(rows[:1])[0] - answers[0]),
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
