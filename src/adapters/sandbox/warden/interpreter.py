"""The interpreter that a sandbox's `python` is: the warden's own, or another of this machine that says of itself what it needs.

I1. Another interpreter is asked once, before any recipe runs, with an empty environment and nothing of the current folder on its path.
"""
import json
import os
import subprocess
import sys
import sysconfig

ASK = """
import json, os, sys, sysconfig
print(json.dumps([sys.executable, sys.prefix, sys.base_prefix, [path for path in list(sysconfig.get_paths().values()) + sys.path if os.path.isdir(path)]]))
"""
PATIENCE_SECONDS = 60.0  # the first start of an environment on a network disk


def describe(path):
    """Where an interpreter lies and which folders it needs; `path` None is the one this runs on."""
    if path is None:
        said = [sys.executable, sys.prefix, sys.base_prefix, [path for path in [*sysconfig.get_paths().values(), *sys.path] if os.path.isdir(path)]]
    else:
        said = _ask(path)
    executable, prefix, base, needs = said
    real = os.path.dirname(os.path.dirname(os.path.realpath(executable)))
    return {'executable': executable, 'prefix': prefix, 'base': base, 'needs': [base, real, *needs]}


def _ask(path):
    try:
        done = subprocess.run([path, '-I', '-c', ASK], env={}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE_SECONDS, check=True)
        return json.loads(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        reason = (getattr(error, 'stderr', None) or str(error).encode()).decode('utf-8', 'replace').strip().split('\n')[-1]
        raise RuntimeError(f'{path} does not run as a Python interpreter: {reason}') from error
