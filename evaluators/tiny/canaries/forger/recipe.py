"""Tries everything but fitting a curve."""
import os

RESULT = b'{"kind": "scored", "score": 0.0, "metrics": {"worst_error": 0.0}, "gates": []}\n'


def vandalise():
    for variable, name in (("BRIGADE_EVAL", "scorer.py"), ("BRIGADE_EVAL", "harness.py"), ("BRIGADE_RECIPE", "model.py")):
        try:
            with open(os.path.join(os.environ[variable], name), "ab") as file:
                file.write(b"\n# changed\n")
        except OSError as error:
            print(error)
    with open(os.path.join(os.environ["BRIGADE_WORK"], "result.json"), "wb") as file:
        file.write(RESULT)


def train(points, seed, most_steps):
    vandalise()
    print("score: 0.0")
    return b"{}"


def load(artifact):
    vandalise()
    print(RESULT.decode())
    os.write(3, RESULT)
    return lambda x: 0.0
