"""Trains each recipe folder it is given on a handful of made-up images and prints one JSON line about it: airbench_mini_examine.py <folder>...

Each is examined in a forked child, so that none sees another's modules and torch is loaded once.
"""
import json
import os
import sys
import traceback

import torch

IMAGES, ASKED = 160, 40


def drawn(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Images of the shape that a recipe is given: a bright bar, upright or lying, in a place of its own for each class, and noise."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(10, (count,), generator=generator)
    images = torch.randint(0, 60, (count, 28, 28), generator=generator)
    for k, label in enumerate(labels.tolist()):
        place = 5 + 4 * (label % 5)
        images[k][(slice(6, 22), slice(place, place + 2)) if label < 5 else (slice(place, place + 2), slice(6, 22))] = 230
    return images.to(torch.uint8), labels


def examine(folder: str) -> dict:
    """How often it stepped, what it packed, and how far its answers depend on anything but the image."""
    sys.dont_write_bytecode = True
    sys.path.insert(0, folder)
    import recipe

    steps, step = [], recipe.train_step
    recipe.train_step = lambda *given: (step(*given), steps.append(given[-1]))
    recipe.EPOCHS = 6.0
    images, labels = drawn(IMAGES, 0)
    kept = images.clone()
    artifact = recipe.train(images, labels, 7)
    asked = drawn(ASKED, 1)[0]
    predictor = recipe.load(artifact)
    answers = predictor.scores(asked)
    apart = torch.cat([recipe.load(artifact).scores(asked[k:k + 1]) for k in range(6)])
    order = torch.randperm(ASKED, generator=torch.Generator().manual_seed(2))
    spread = answers.std(1, keepdim=True)
    return {
        "steps": len(steps),
        "progress": [min(steps), max(steps)],
        "artifactBytes": len(artifact),
        "shape": list(answers.shape),
        "dtype": str(answers.dtype),
        "finite": bool(answers.isfinite().all()),
        "alone": ((answers[:6] - apart).abs() / spread[:6]).max().item(),
        "shuffled": ((answers[order] - predictor.scores(asked[order])).abs() / spread[order]).max().item(),
        "learnt": bool((predictor.scores(images).argmax(1) == labels).float().mean() > 0.3),
        "unspoilt": bool((images == kept).all()),
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
