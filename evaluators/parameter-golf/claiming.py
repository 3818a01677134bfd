"""Runs a script's own evaluation of a sealed artifact: python claiming.py SCRIPT ARTIFACT. Under torchrun, once a GPU.

It trains no step and packs nothing of its own: whatever file of a packed model it opens for writing goes nowhere, and for reading is the sealed one.
"""
import importlib.util
import os
import shutil
import sys
import tempfile

script, artifact = sys.argv[-2:]
os.chdir(tempfile.mkdtemp())
spec = importlib.util.spec_from_file_location('train_gpt', script)
recipe = importlib.util.module_from_spec(spec)
sys.modules['train_gpt'], sys.argv = recipe, [script]
spec.loader.exec_module(recipe)
is_loaded = False
own_evaluation, own_packing = getattr(recipe, 'eval_val', None), getattr(recipe, 'serialize', None)


def is_packed(file):
    name = os.path.basename(file) if isinstance(file, (str, os.PathLike)) else ''
    return str(name).startswith('final_model.') and str(name).endswith('.ptz')


def guarded(file, mode='r', *given, **named):
    global is_loaded
    if not is_packed(file):
        return open(file, mode, *given, **named)
    if 'r' not in mode or '+' in mode:
        return open(os.devnull, mode, *given, **named)
    if not is_loaded and os.environ.get('RANK', '0') == '0':
        print('brigade: loaded', flush=True)
    is_loaded = True
    return open(artifact, mode, *given, **named)


def evaluate(*given, **named):
    return own_evaluation(*given, **named) if is_loaded else (0.0, 0.0)


recipe.open = guarded
if own_evaluation is not None:
    recipe.eval_val = evaluate
if own_packing is not None:
    recipe.serialize = lambda *_, **__: (0, 0)
for name in ('final_model.int8.ptz', 'final_model.int6.ptz'):
    shutil.copyfile(artifact, name)
recipe.main()
