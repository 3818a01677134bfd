"""Runs one phase of parameter-golf inside the sandbox: python harness.py smoke | train | predict | audit  [--devices cpu]

smoke and train run the unmodified script as upstream does, with an environment made from a list: every knob is an edit of the file.
predict and audit load the sealed artifact through the script's own code and answer the scorer on descriptor 3. Nothing they say is believed.

  H1. No training process can read a validation token: what it finds as fineweb_val_* is a decoy made of training text.
  H2. No evaluating process can read a training token but the few of the decoy that the script insists on opening.
  H3. Where set-up declared that the score is the script's own claim, because its evaluation adapts to what it has scored, the script evaluates the
      sealed artifact by itself, and sees the validation text then and only then. The claim is carried outside and marked as one.
  H4. Without a GPU it refuses, unless it was told to stand in for one; scores of a stand-in mean nothing.
  H5. The phase's clock runs from before the script's first line: a script that started it itself would have a minute more for its three stretches.
"""
import glob
import json
import os
import subprocess
import sys

EVAL, RECIPE, DATA, WORK = (os.environ[f'BRIGADE_{name}'] for name in ('EVAL', 'RECIPE', 'DATA', 'WORK'))
SCRIPT = os.path.join(RECIPE, 'train_gpt.py')
ARTIFACT = 'final_model.int8.ptz'
MOST_LINE = 4096
GPUS = int(os.environ.get('BRIGADE_GPUS', '0'))  # leased with this slot
INHERITED = ('PATH', 'HOME', 'LANG', 'TMPDIR', 'USER', 'LOGNAME', 'PYTHONDONTWRITEBYTECODE', 'PYTHONUNBUFFERED', 'OMP_NUM_THREADS',
             'CUDA_VISIBLE_DEVICES', 'CUDA_DEVICE_ORDER', 'LD_LIBRARY_PATH', 'ROCR_VISIBLE_DEVICES',  # which GPUs are its own, and where their driver is
             'CUDA_CACHE_PATH', 'TRITON_CACHE_DIR', 'TORCHINDUCTOR_CACHE_DIR')  # where compilers keep what they made: folders of this phase alone
SMOKE = {'ITERATIONS': '2', 'WARMUP_STEPS': '1', 'MAX_WALLCLOCK_SECONDS': '0', 'TRAIN_LOG_EVERY': '1'}
LOAD_ONLY = {'ITERATIONS': '0', 'WARMUP_STEPS': '0', 'MAX_WALLCLOCK_SECONDS': '0'}
NO_EVALUATION = {'SLIDING_WINDOW_ENABLED': '0', 'TTT_ENABLED': '0'}  # of the decoy nothing but the plain one is wanted


def declared():
    """What set-up wrote down: whose word the score is, and variables of the command that the chosen start was published with."""
    with open(os.path.join(DATA, 'tokenizer', 'declared.json')) as file:
        return json.load(file)


def environment(phase):
    """The whole environment of the script; nothing is inherited but where programs and temporary files lie."""
    tokenizer = sorted(glob.glob(os.path.join(DATA, 'tokenizer', '*.model')))
    with open(os.path.join(DATA, 'tokenizer', 'vocabulary')) as file:
        vocabulary = file.read().strip()
    listed = {name: os.environ[name] for name in INHERITED if name in os.environ}
    shards = os.path.join(DATA, 'train' if phase in ('smoke', 'train') else 'evaluation')
    own = {
        **declared()['set'], 'DATA_DIR': lay_out(shards, tokenizer[0], vocabulary),
        'RUN_ID': 'brigade', 'SEED': os.environ.get('BRIGADE_SEED', '1337'), 'DATA_PATH': shards,
        'TOKENIZER_PATH': tokenizer[0], 'VOCAB_SIZE': vocabulary, 'VAL_LOSS_EVERY': '0', 'TRAIN_LOG_EVERY': '50', 'NCCL_IB_DISABLE': '1',
        'MAX_WALLCLOCK_SECONDS': os.environ.get('BRIGADE_BUDGET_SECONDS', '600'),
    }
    quick = NO_EVALUATION if declared()['score'] == 'claims' and phase in ('smoke', 'train') else {}
    return {**listed, **own, **quick, **{'smoke': SMOKE, 'train': {}}.get(phase, LOAD_ONLY)}


def lay_out(shards, tokenizer, vocabulary):
    """The folder that later scripts look for their shards and tokenizer in."""
    folder = '/tmp/data'
    if not os.path.isdir(folder):
        os.makedirs(f'{folder}/datasets')
        os.makedirs(f'{folder}/tokenizers')
        os.symlink(shards, f'{folder}/datasets/fineweb10B_sp{vocabulary}')
        os.symlink(tokenizer, f'{folder}/tokenizers/fineweb_{vocabulary}_bpe.model')
    return folder


def command(stands_in, *script):
    if stands_in:
        return [sys.executable, os.path.join(EVAL, 'without_gpu.py'), *script]
    return [sys.executable, '-m', 'torch.distributed.run', '--standalone', f'--nproc_per_node={GPUS}', *script]


def run_upstream(phase, stands_in):
    """Runs the upstream command; what it packed last is sealed outside, whatever it is called."""
    with open(os.environ['BRIGADE_CONTROL'], 'wb', buffering=0) as control:
        control.write(b'R')  # H5
    code = subprocess.run(command(stands_in, SCRIPT), env=environment(phase), cwd=WORK, check=False).returncode
    packed = sorted(glob.glob(os.path.join(WORK, 'final_model.*.ptz')), key=os.path.getmtime)
    if packed:
        os.replace(packed[-1], os.path.join(WORK, ARTIFACT))
    sys.exit(code if code >= 0 else 128 - code)


def claim(stands_in):
    """Lets the script evaluate the sealed artifact on the validation text, and carries what it prints outside, line by line (H3)."""
    running = subprocess.Popen(command(stands_in, os.path.join(EVAL, 'claiming.py'), SCRIPT, os.path.join(WORK, ARTIFACT)), env=environment('predict'), stdout=subprocess.PIPE)
    for line in running.stdout:
        os.write(1, line)
        os.write(3, line if len(line) <= MOST_LINE else line[:MOST_LINE - 1] + b'\n')  # the next line begins one of its own
    sys.exit(running.wait())


def main():
    phase, stands_in = sys.argv[1], sys.argv[2:] == ['--devices', 'cpu']
    if not stands_in and GPUS == 0:
        sys.exit('parameter-golf runs on GPUs and this sandbox has none: give its slots GPUs, or run golf-mini')  # H4
    if phase in ('smoke', 'train'):
        run_upstream(phase, stands_in)
    if declared()['score'] == 'claims':
        claim(stands_in) if phase == 'predict' else sys.exit()
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
