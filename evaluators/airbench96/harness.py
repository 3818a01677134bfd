"""Runs one phase of airbench96 inside the sandbox: python harness.py smoke | train | predict | audit  [--devices cpu]

A training process is cold: it imports, compiles, trains once and evaluates, as a person would run the script; the evaluator's clock is around all of it.

  H1. What a training process finds as the test set are training images: nothing in it has seen a test image or a test label.
  H2. The evaluator's seed is in Python's and PyTorch's generators before the script's first line: its own seeding draws from them.
  H3. The model that is scored is the one the script itself evaluated last with test-time augmentation.
  H4. When the model is asked, importing torch and waking the GPU are the evaluator's; from the recipe's first line on the clock runs.
"""
import os
import random
import struct
import sys

EVAL, RECIPE, DATA, WORK = (os.environ[f'BRIGADE_{name}'] for name in ('EVAL', 'RECIPE', 'DATA', 'WORK'))
SCRIPT = os.path.join(RECIPE, 'airbench96_faster.py')
GPUS = int(os.environ.get('BRIGADE_GPUS', '0'))  # leased with this slot
INHERITED = ('PATH', 'HOME', 'LANG', 'TMPDIR', 'USER', 'LOGNAME', 'PYTHONDONTWRITEBYTECODE', 'PYTHONUNBUFFERED', 'OMP_NUM_THREADS',
             'CUDA_VISIBLE_DEVICES', 'CUDA_DEVICE_ORDER', 'LD_LIBRARY_PATH', 'ROCR_VISIBLE_DEVICES',  # which GPUs are its own, and where their driver is
             'CUDA_CACHE_PATH', 'TRITON_CACHE_DIR', 'TORCHINDUCTOR_CACHE_DIR')  # where compilers keep what they made: folders of this phase alone
SMOKE_EPOCHS = 0.2
PIXELS = 3072
HEAD = struct.Struct('<4sI16s')  # magic, images, nonce


def load(stands_in, is_cold=True):
    """The script's definitions in a module's namespace, and its last block. A process that is not cold is timed from here on."""
    listed = {name: os.environ[name] for name in INHERITED if name in os.environ}
    seed, control = int(os.environ.get('BRIGADE_SEED', '0')), os.environ['BRIGADE_CONTROL']
    os.environ.clear()
    os.environ.update(listed)
    sys.path.insert(0, EVAL)
    sys.dont_write_bytecode = True
    import torch

    import script

    if stands_in:
        import without_gpu
        without_gpu.stand_in()
    random.seed(seed)
    torch.manual_seed(seed)  # H2
    definitions, block = script.split(SCRIPT)
    if not is_cold:
        if torch.cuda.is_available() and not stands_in:
            torch.zeros(1, device='cuda').add(1).item()
        with open(control, 'wb', buffering=0) as pipe:
            pipe.write(b'R')  # H4
    sys.argv = [SCRIPT]
    space = {'__name__': '__main__', '__file__': SCRIPT}
    exec(definitions, space)
    return space, block


def train(stands_in, epochs=None):
    os.chdir(WORK)
    os.symlink(os.path.join(DATA, 'train'), 'cifar10')
    space, block = load(stands_in)
    if epochs is not None:
        space['hyp']['opt']['train_epochs'] = epochs
    own, last = space['evaluate'], []

    def evaluate(model, loader, tta_level=0):
        if tta_level > 0:
            last[:] = [model]  # H3
        return own(model, loader, tta_level)

    space['evaluate'] = evaluate
    exec(block, space)
    if not last:
        sys.exit('airbench96_faster.py ended without evaluate(model, loader, tta_level): there is no model to score')
    import torch

    torch.save(getattr(last[0], '_orig_mod', last[0]).state_dict(), 'model.pt')


def exactly(count):
    held = bytearray()
    while len(held) < count:
        piece = os.read(3, min(count - len(held), 1 << 20))
        if not piece:
            os._exit(0)
        held += piece
    return held


def predict(stands_in):
    space, _ = load(stands_in, is_cold=False)
    import torch

    model = space['make_net'](space['hyp']['net'])
    model.load_state_dict(torch.load(os.path.join(WORK, 'model.pt'), map_location=next(model.parameters()).device))
    os.makedirs('/tmp/asked', exist_ok=True)
    while True:
        _, count, nonce = HEAD.unpack(exactly(HEAD.size))
        images = torch.frombuffer(exactly(count * PIXELS), dtype=torch.uint8).reshape(count, 32, 32, 3)
        torch.save({'images': images, 'labels': torch.zeros(count, dtype=torch.int64), 'classes': [str(k) for k in range(10)]}, '/tmp/asked/test.pt')
        loader = space['InfiniteCifarLoader']('/tmp/asked', train=False, batch_size=2000)
        classes = space['infer'](model, loader, tta_level=space['hyp']['net']['tta_level']).argmax(1).to('cpu', torch.uint8)
        view = memoryview(HEAD.pack(b'BAA1', count, nonce) + classes.numpy().tobytes())
        while view:
            view = view[os.write(3, view):]


def main():
    phase, stands_in = sys.argv[1], sys.argv[2:] == ['--devices', 'cpu']
    if not stands_in and GPUS == 0:
        sys.exit('airbench96 runs on a GPU and this sandbox has none: give its slot a GPU, or run airbench-mini')
    if phase in ('predict', 'audit'):
        predict(stands_in)
    else:
        train(stands_in, SMOKE_EPOCHS if phase == 'smoke' else None)
    sys.stdout.flush()
    os._exit(0)


if __name__ == '__main__':
    main()
