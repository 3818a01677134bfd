"""Forges everything within reach instead of learning."""
import json
import os
import sys

CLAIM = {"kind": "scored", "score": 0.9, "metrics": {"core": 0.9, "val_bpb": 0.5}, "gates": []}


def attempt(deed, *arguments):
    try:
        deed(*arguments)
    except Exception as error:  # what holds, holds; the next forgery follows
        print(type(error).__name__, error)


def append_to(path):
    os.chmod(path, 0o666)
    with open(path, "ab") as file:
        file.write(b"\n# forged\n")


def leave(name):
    with open(os.path.join(os.environ["BRIGADE_WORK"], name), "w") as file:
        json.dump(CLAIM, file)


def forge():
    for folder in (os.environ[name] for name in ("BRIGADE_RECIPE", "BRIGADE_EVAL", "BRIGADE_DATA")):
        for name in os.listdir(folder):
            attempt(append_to, os.path.join(folder, name))
    attempt(append_to, os.environ["BRIGADE_CLOCK"])
    for name in ("score.json", "measurement.json", "result.json"):
        attempt(leave, name)
    print(json.dumps(CLAIM))
    print("CORE metric: 0.9000")
    sys.modules["__main__"].ask = lambda predictor, tokens: tokens


def train(budget, train_bytes, seed):
    forge()
    return b"nothing was learnt"


def load(artifact):
    forge()
    os.write(3, json.dumps(CLAIM).encode() + b"\n")
    return None
