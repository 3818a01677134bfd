"""What a phase was leased of the machine's accelerators, and what a program on one needs besides.

G1. Only the device files of the leased slots are there to be opened; they are bound one by one, and everything else is bound without devices.
G2. Compilers keep what they made in a folder that goes with the phase: one that outlived it would carry a word from one trial to the next.
"""
import os

NONE = {'count': 0, 'files': [], 'reads': [], 'env': {}}


def leased(job):
    return job.get('devices') or NONE


def environment(job, places):
    """Which devices are its own, in its vendor's words, and where compilers may keep what they made (G2)."""
    found, caches = leased(job), places['caches']
    if found['count'] == 0:
        return {}
    return {**found['env'], 'BRIGADE_GPUS': str(found['count']), 'CUDA_CACHE_PATH': f'{caches}/cuda', 'TRITON_CACHE_DIR': f'{caches}/triton',
            'TORCHINDUCTOR_CACHE_DIR': f'{caches}/inductor', 'XDG_CACHE_HOME': caches}


def groups(job):
    """Groups that may open the leased device files, where not everybody may."""
    modes = [os.stat(path) for path in leased(job)['files']]
    return sorted({mode.st_gid for mode in modes if mode.st_mode & 0o006 != 0o006 and mode.st_mode & 0o060 == 0o060})
