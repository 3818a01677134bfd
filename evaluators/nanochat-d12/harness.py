"""Runs one phase of nanochat-d12 inside the sandbox: python harness.py smoke | train [base_train options] | predict | audit

smoke and train run the unmodified scripts.base_train, with an environment made from a list: every knob is an edit of a file. predict and audit
load the sealed checkpoint into the recipe's own model and answer the scorer on descriptor 3. Nothing they say is believed.

  H1. No training process can read the validation shard or the evaluation bundle: the last shard it finds is a decoy of training text.
  H2. What evaluates imports the recipe's model files only; everything else is upstream's own, as set-up took it from the checkout.
  H3. Without a GPU it refuses, unless it was told `--device-type=cpu`, to stand in for one; such scores mean nothing.
"""
import os
import shutil
import subprocess
import sys
import tarfile

EVAL, RECIPE, DATA, WORK, MOUNTS = (os.environ.get(f'BRIGADE_{name}', '') for name in ('EVAL', 'RECIPE', 'DATA', 'WORK', 'MOUNTS'))
GPUS = int(os.environ.get('BRIGADE_GPUS', '0'))  # leased with this slot
INHERITED = ('PATH', 'HOME', 'LANG', 'TMPDIR', 'USER', 'LOGNAME', 'PYTHONDONTWRITEBYTECODE', 'PYTHONUNBUFFERED', 'OMP_NUM_THREADS',
             'CUDA_VISIBLE_DEVICES', 'CUDA_DEVICE_ORDER', 'LD_LIBRARY_PATH', 'ROCR_VISIBLE_DEVICES',  # which GPUs are its own, and where their driver is
             'CUDA_CACHE_PATH', 'TRITON_CACHE_DIR', 'TORCHINDUCTOR_CACHE_DIR')  # where compilers keep what they made: folders of this phase alone
OPTIONS = ['--run=dummy', '--model-tag=brigade', '--core-metric-every=-1', '--sample-every=-1', '--save-every=-1']
SMOKE = ['--num-iterations=3', '--eval-every=-1']
MODEL_FILES = tuple(f'nanochat/{name}.py' for name in ('gpt', 'flash_attention', 'fp8', 'optim'))


def lay_tree(folder, files):
    """Upstream's files with some of the recipe's over them."""
    shutil.copytree(os.path.join(DATA, 'pristine'), folder)
    for path in files:
        if os.path.exists(os.path.join(RECIPE, path)):
            os.makedirs(os.path.dirname(os.path.join(folder, path)), exist_ok=True)
            shutil.copyfile(os.path.join(RECIPE, path), os.path.join(folder, path))
    return folder


def recipe_files():
    return [os.path.relpath(os.path.join(folder, name), RECIPE) for folder, _, names in os.walk(RECIPE) for name in names]


def environment(stands_in):
    """The whole environment of the script; nothing is inherited but where programs and temporary files lie."""
    listed = {name: os.environ[name] for name in INHERITED if name in os.environ}
    hub = os.path.join(MOUNTS, 'huggingface')
    return {**listed, 'NANOCHAT_BASE_DIR': os.path.join(WORK, 'base'), 'HF_HUB_OFFLINE': '1', **({'HF_HOME': hub} if os.path.isdir(hub) else {}), 'WANDB_MODE': 'disabled', **({'TORCHDYNAMO_DISABLE': '1'} if stands_in else {})}


def train(options, stands_in):
    """The upstream command, to its end; its last checkpoint becomes the artifact."""
    tree, base = lay_tree(os.path.join(WORK, 'tree'), recipe_files()), os.path.join(WORK, 'base')
    os.mkdir(base)
    os.symlink(os.path.join(DATA, 'train'), os.path.join(base, 'base_data_climbmix'))
    os.symlink(os.path.join(DATA, 'tokenizer'), os.path.join(base, 'tokenizer'))
    spread = [] if stands_in else ['-m', 'torch.distributed.run', '--standalone', f'--nproc_per_node={GPUS}']
    command = [sys.executable, *spread, os.path.join(EVAL, 'launch.py'), tree, os.environ.get('BRIGADE_SEED', '42'), 'scripts.base_train', *OPTIONS, *options]
    code = subprocess.run(command, env=environment(stands_in), cwd=tree, check=False).returncode
    if code != 0:
        sys.exit(code if code > 0 else 128 - code)
    folder = os.path.join(base, 'base_checkpoints', 'brigade')
    models = sorted(name for name in os.listdir(folder) if name.startswith('model_')) if os.path.isdir(folder) else []
    if not models:
        sys.exit('base_train ended without a checkpoint of model tag brigade')
    step = models[-1][len('model_'):-len('.pt')]
    with tarfile.open(os.path.join(WORK, 'model.tar'), 'w') as archive:
        for source, name in ((f'model_{step}.pt', 'model.pt'), (f'meta_{step}.json', 'meta.json')):
            archive.add(os.path.join(folder, source), name)
    for left in (tree, base):
        shutil.rmtree(left)


def main():
    phase, options = sys.argv[1], sys.argv[2:]
    stands_in = '--device-type=cpu' in options
    if not stands_in and GPUS == 0:
        sys.exit('nanochat-d12 runs on GPUs and this sandbox has none: give its slots GPUs, or run nanochat-mini')  # H3
    sys.dont_write_bytecode = True
    if phase in ('smoke', 'train'):
        train([*options, *(SMOKE if phase == 'smoke' else [])], stands_in)
        return
    chosen = environment(stands_in)
    os.environ.clear()
    os.environ.update(chosen)
    sys.path.insert(0, EVAL)
    sys.path.insert(0, lay_tree('/tmp/tree', MODEL_FILES))  # H2
    import predictor

    predictor.serve(os.path.join(WORK, 'model.tar'))


if __name__ == '__main__':
    main()
