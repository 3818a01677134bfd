"""Lets a script that insists on one GPU run on the CPU: python without_gpu.py SCRIPT. For trying the plumbing; such scores mean nothing."""
import os
import runpy
import sys
import tempfile

import torch


def stand_in():
    """Puts the CPU where the first GPU would be, and leaves out compilation."""
    real_device, real_autocast = torch.device, torch.autocast

    class Kind(type):
        def __instancecheck__(cls, instance):
            return isinstance(instance, real_device)

    class Device(metaclass=Kind):
        def __new__(cls, kind='cpu', *index):
            return real_device('cpu') if str(kind).startswith('cuda') else real_device(kind, *index)

    class Autocast(real_autocast):
        def __init__(self, device_type, *given, **named):
            super().__init__('cpu' if device_type == 'cuda' else device_type, *given, **named)

    torch.device, torch.autocast = Device, Autocast
    torch.cuda.is_available = lambda: True
    for name in ('set_device', 'synchronize', 'manual_seed_all'):
        setattr(torch.cuda, name, lambda *_: None)
    for name in ('max_memory_allocated', 'max_memory_reserved'):
        setattr(torch.cuda, name, lambda *_: 0)
    torch.compile = lambda function=None, **_: function if function is not None else (lambda given: given)
    programs = tempfile.mkdtemp()
    with open(os.path.join(programs, 'nvidia-smi'), 'w') as file:
        file.write('#!/bin/sh\necho "no GPU: a stand-in"\n')
    os.chmod(os.path.join(programs, 'nvidia-smi'), 0o755)
    os.environ['PATH'] = f"{programs}:{os.environ.get('PATH', '/usr/bin:/bin')}"


if __name__ == '__main__':
    stand_in()
    sys.argv = sys.argv[1:]
    sys.path.insert(0, os.path.dirname(sys.argv[0]))
    runpy.run_path(sys.argv[0], run_name='__main__')
