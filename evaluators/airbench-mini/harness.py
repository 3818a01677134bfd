"""Runs one phase of airbench-mini inside the sandbox: python harness.py smoke | train | predict | audit.

Once the recipe is imported this process is the recipe's: nothing it says is believed. It only gives a recipe its arguments and carries
bytes; the artifact is sealed and weighed, the clock read and the accuracy computed outside.

  H1. What the evaluator pays for (the interpreter, torch, the training images) is loaded before the clock starts; everything of the recipe's, its import too, is on the recipe's time.
  H2. predict and audit answer exactly what is asked on descriptor 3, one answer a question, each with its question's nonce.
"""
import os
import struct
import sys

import torch

RECIPE, DATA = os.environ['BRIGADE_RECIPE'], os.environ['BRIGADE_DATA']
ARTIFACT = os.path.join(os.environ['BRIGADE_WORK'], 'artifact.bin')
SIDE, CLASSES = 28, 10
QUESTION = struct.Struct('<4sI16s')  # magic, images, nonce
ANSWER = struct.Struct('<4sII16s')  # magic, images, classes, the question's nonce
SMOKE_IMAGES = 640
SMOKE_ROWS = (3, 1)  # a few images together, and one alone


def start_clock():
    """Says that trusted code is ready; what follows is timed."""
    control = os.open(os.environ['BRIGADE_CONTROL'], os.O_WRONLY)
    os.write(control, b'R')
    os.close(control)


def load_recipe():
    sys.dont_write_bytecode = True
    sys.path.insert(0, RECIPE)
    import recipe

    return recipe


def read_train():
    """Images as bytes [N, 28, 28] and labels as integers [N], in an order without meaning."""
    with open(os.path.join(DATA, 'train-images'), 'rb') as file:
        images = torch.frombuffer(bytearray(file.read()), dtype=torch.uint8).reshape(-1, SIDE, SIDE)
    with open(os.path.join(DATA, 'train-labels'), 'rb') as file:
        labels = torch.frombuffer(bytearray(file.read()), dtype=torch.uint8).long()
    return images, labels


def train(images, labels, seed):
    recipe = load_recipe()
    artifact = recipe.train(images, labels, seed)
    if not isinstance(artifact, bytes):
        raise TypeError(f'train must return bytes, not {type(artifact).__name__}')
    with open(ARTIFACT, 'wb') as file:
        file.write(artifact)
    return recipe


def ask(predictor, images):
    """One answer of the recipe, refused here when its shape is wrong so that its author reads why."""
    answer = predictor.scores(images)
    if not isinstance(answer, torch.Tensor):
        raise TypeError(f'scores must return a tensor, not {type(answer).__name__}')
    if tuple(answer.shape) != (len(images), CLASSES):
        raise ValueError(f'scores of {len(images)} images must have shape {(len(images), CLASSES)}, not {tuple(answer.shape)}')
    return answer.detach().to(torch.float32).contiguous()


def smoke(images, labels, seed):
    """A short training, the artifact's size, and whether it loads and answers."""
    recipe = train(images[:SMOKE_IMAGES], labels[:SMOKE_IMAGES], seed)
    with open(ARTIFACT, 'rb') as file:
        predictor = recipe.load(file.read())
    for rows in SMOKE_ROWS:
        if torch.isnan(ask(predictor, images[:rows])).any():
            raise ValueError(f'scores of {rows} images contain NaN')


def read_exactly(size):
    pieces = []
    while size > 0:
        piece = os.read(3, min(size, 1 << 20))
        if not piece:
            return None
        pieces.append(piece)
        size -= len(piece)
    return b''.join(pieces)


def write_all(view):
    view = memoryview(view)
    while view:
        view = view[os.write(3, view[: 1 << 20]):]


def predict(recipe):
    with open(ARTIFACT, 'rb') as file:
        predictor = recipe.load(file.read())
    while (head := read_exactly(QUESTION.size)) is not None:
        _, rows, nonce = QUESTION.unpack(head)
        body = read_exactly(rows * SIDE * SIDE)
        if body is None:
            return
        answer = ask(predictor, torch.frombuffer(bytearray(body), dtype=torch.uint8).reshape(rows, SIDE, SIDE))
        write_all(ANSWER.pack(b'BRGA', rows, CLASSES, nonce) + answer.numpy().tobytes())  # H2


def main(phase):
    torch.set_num_threads(1)
    seed = int(os.environ.get('BRIGADE_SEED', '0'))
    given = read_train() if phase in ('smoke', 'train') else None
    if phase != 'audit':  # an auditor is not timed
        start_clock()  # H1
    if phase in ('predict', 'audit'):
        predict(load_recipe())
    else:
        (train if phase == 'train' else smoke)(*given, seed)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # the interpreter's own farewell is not the recipe's time


if __name__ == '__main__':
    main(sys.argv[1])
