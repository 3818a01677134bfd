"""Runs one phase of parameter-golf inside the sandbox: python harness.py smoke | train | predict | audit  [--devices cpu]

smoke and train run the unmodified script as upstream does, with an environment made from a list: every knob is an edit of the file.
predict and audit load the sealed artifact through the script's own code and answer the scorer on descriptor 3. Nothing they say is believed.

  H1. No training process can read a validation token: what it finds as fineweb_val_* is a decoy made of training text.
  H2. No evaluating process can read a training token but the few of the decoy that the script insists on opening.
  H3. Without a GPU it refuses, unless it was told to stand in for one; scores of a stand-in mean nothing.
"""
import glob
import os
import sys

EVAL, RECIPE, DATA, WORK = (os.environ[f'BRIGADE_{name}'] for name in ('EVAL', 'RECIPE', 'DATA', 'WORK'))
SCRIPT = os.path.join(RECIPE, 'train_gpt.py')
ARTIFACT = 'final_model.int8.ptz'
INHERITED = ('PATH', 'HOME', 'LANG', 'TMPDIR', 'USER', 'LOGNAME', 'PYTHONDONTWRITEBYTECODE', 'PYTHONUNBUFFERED', 'OMP_NUM_THREADS')
SMOKE = {'ITERATIONS': '2', 'WARMUP_STEPS': '1', 'MAX_WALLCLOCK_SECONDS': '0', 'TRAIN_LOG_EVERY': '1'}
LOAD_ONLY = {'ITERATIONS': '0', 'WARMUP_STEPS': '0', 'MAX_WALLCLOCK_SECONDS': '0'}


def environment(phase):
    """The whole environment of the script; nothing is inherited but where programs and temporary files lie."""
    tokenizer = sorted(glob.glob(os.path.join(DATA, 'tokenizer', '*.model')))
    with open(os.path.join(DATA, 'tokenizer', 'vocabulary')) as file:
        vocabulary = file.read().strip()
    listed = {name: os.environ[name] for name in INHERITED if name in os.environ}
    own = {
        'RUN_ID': 'brigade', 'SEED': os.environ.get('BRIGADE_SEED', '1337'), 'DATA_PATH': os.path.join(DATA, 'train' if phase in ('smoke', 'train') else 'decoy'),
        'TOKENIZER_PATH': tokenizer[0], 'VOCAB_SIZE': vocabulary, 'VAL_LOSS_EVERY': '0', 'TRAIN_LOG_EVERY': '50', 'NCCL_IB_DISABLE': '1',
        'MAX_WALLCLOCK_SECONDS': os.environ.get('BRIGADE_BUDGET_SECONDS', '600'), 'TRITON_CACHE_DIR': '/tmp/triton', 'TORCHINDUCTOR_CACHE_DIR': '/tmp/inductor',
    }
    return {**listed, **own, **{'smoke': SMOKE, 'train': {}}.get(phase, LOAD_ONLY)}


def run_upstream(phase, stands_in):
    """Becomes the upstream command; what it leaves in the working folder is sealed outside."""
    gpus = len([name for name in os.listdir('/dev') if name.startswith('nvidia') and name[6:].isdigit()])
    os.chdir(WORK)
    if stands_in:
        argv = [sys.executable, os.path.join(EVAL, 'without_gpu.py'), SCRIPT]
    else:
        argv = [sys.executable, '-m', 'torch.distributed.run', '--standalone', f'--nproc_per_node={gpus}', SCRIPT]
    os.execve(sys.executable, argv, environment(phase))


def main():
    phase, stands_in = sys.argv[1], sys.argv[2:] == ['--devices', 'cpu']
    if not stands_in and not any(name.startswith('nvidia') and name[6:].isdigit() for name in os.listdir('/dev')):
        sys.exit('parameter-golf runs on GPUs and this sandbox has none: give its slots GPUs, or run golf-mini')  # H3
    if phase in ('smoke', 'train'):
        run_upstream(phase, stands_in)
    chosen = environment(phase)
    os.environ.clear()
    os.environ.update(chosen)
    sys.path.insert(0, EVAL)
    sys.dont_write_bytecode = True
    import predictor

    if stands_in:
        import without_gpu
        without_gpu.stand_in()
    predictor.serve(SCRIPT, os.path.join(WORK, ARTIFACT))


if __name__ == '__main__':
    main()
