"""Enters an unmodified train_gpt.py at its own evaluation, with the sealed artifact loaded by its own code, and answers questions about its model.

  P1. The script runs as it is, told to train no step. Its own unpacking reads the sealed artifact, and the next call of its eval_val is ours.
  P2. What is asked is answered with its question's nonce. Whatever this process says, the scorer outside audits it: it is the recipe's process.
"""
import importlib.util
import os
import shutil
import struct
import sys

import torch
import torch.nn.functional as F

QUESTION = struct.Struct('<4sIII16s')  # magic, kind, rows, tokens a row, nonce
ANSWER = struct.Struct('<4sIII16s')  # magic, kind, rows, numbers a row, the question's nonce
CONTEXT, LOSSES, DISTRIBUTION = 0, 1, 2
CHUNK = 1 << 27  # logits held at once, in numbers: 0.5 GB


class Answers:
    """What a model with forward(inputs, targets) -> mean loss says of tokens."""

    def __init__(self, model, context):
        while hasattr(model, '_orig_mod') or isinstance(model, torch.nn.parallel.DistributedDataParallel):
            model = model._orig_mod if hasattr(model, '_orig_mod') else model.module
        self.model, self.context = model.eval(), context
        self.device = next(model.parameters()).device

    def logits(self, inputs):
        """(rows, width, vocabulary): by the model's own method where it has one, else as they reach its loss."""
        rows, width = inputs.shape
        with torch.inference_mode(), torch.autocast(device_type=self.device.type, dtype=torch.bfloat16):
            own = getattr(self.model, 'forward_logits', None)
            seen = own(inputs) if own is not None else self._overheard(inputs)
        return seen.float().reshape(rows, width, -1)

    def _overheard(self, inputs):
        heard, real = [], F.cross_entropy

        def listen(logits, targets, *given, **named):
            heard.append(logits)
            return real(logits, targets, *given, **named)

        F.cross_entropy = listen
        try:
            self.model(inputs, torch.zeros_like(inputs))
        finally:
            F.cross_entropy = real
        if len(heard) != 1 or heard[0].numel() % inputs.numel() != 0:
            sys.exit('GPT.forward must pass its logits once through F.cross_entropy, or have forward_logits(inputs): its distribution cannot be seen otherwise')
        return heard[0]

    def losses(self, tokens):
        """Nats of every token but the first of each row, given those before it."""
        inputs, targets = tokens[:, :-1].contiguous(), tokens[:, 1:]
        parts, start, at_once = [], 0, 1
        while start < len(inputs):
            logits = self.logits(inputs[start:start + at_once])
            parts.append(-logits.log_softmax(-1).gather(-1, targets[start:start + at_once, :, None])[..., 0])
            start += at_once
            at_once = max(1, CHUNK // (inputs.shape[1] * logits.shape[-1]))
        return torch.cat(parts)

    def distribution(self, tokens):
        """Log-probabilities of what follows each row."""
        return self.logits(tokens)[:, -1].log_softmax(-1)


def read_exactly(count):
    pieces = bytearray()
    while len(pieces) < count:
        piece = os.read(3, min(count - len(pieces), 1 << 20))
        if not piece:
            os._exit(0)  # the scorer has heard enough
        pieces += piece
    return bytes(pieces)


def send(message):
    view = memoryview(message)
    while view:
        view = view[os.write(3, view[: 1 << 20]):]


def answer(answers):
    """Answers until the scorer hangs up."""
    while True:
        _, kind, rows, width, nonce = QUESTION.unpack(read_exactly(QUESTION.size))
        if kind == CONTEXT:
            numbers = torch.tensor([[float(answers.context)]])
        else:
            tokens = torch.frombuffer(bytearray(read_exactly(rows * width * 2)), dtype=torch.uint16).to(answers.device, torch.int64).reshape(rows, width)
            with torch.inference_mode():
                numbers = (answers.losses if kind == LOSSES else answers.distribution)(tokens)
        numbers = numbers.to('cpu', torch.float32).contiguous()
        send(ANSWER.pack(b'BGA1', kind, *numbers.shape, nonce) + numbers.numpy().tobytes())


def serve(script, artifact):
    """Runs the script up to its own evaluation of the artifact, and answers there (P1)."""
    name = os.path.basename(artifact)
    folder = '/tmp/evaluation'
    os.makedirs(folder, exist_ok=True)
    os.chdir(folder)
    shutil.copyfile(artifact, name)
    spec = importlib.util.spec_from_file_location('train_gpt', script)
    recipe = importlib.util.module_from_spec(spec)
    sys.modules['train_gpt'], sys.argv = recipe, [script]
    spec.loader.exec_module(recipe)
    is_loaded = False

    def guarded(file, mode='r', *given, **named):
        nonlocal is_loaded
        if os.path.basename(os.fspath(file)) == name:
            if 'r' not in mode or '+' in mode:
                return open(os.devnull, mode, *given, **named)  # the untrained weights it packs go nowhere
            is_loaded = True
        return open(file, mode, *given, **named)

    def evaluate(args, model, *_, **__):
        if not is_loaded:
            return 0.0, 0.0
        print('brigade: loaded', flush=True)
        answer(Answers(model, int(args.train_seq_len)))

    if not callable(getattr(recipe, 'eval_val', None)) or not callable(getattr(recipe, 'main', None)):
        sys.exit('train_gpt.py has no eval_val or no main: this evaluator enters a recipe through them')
    recipe.eval_val, recipe.open = evaluate, guarded
    recipe.main()
    sys.exit('train_gpt.py ended without evaluating what it had packed')
