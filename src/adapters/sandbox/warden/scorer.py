"""The trusted scorer of a phase: a child of the warden, outside every sandbox, that says one JSON value."""
import json
import os
import signal

import launch
from log import readable

MOST_SCORED = 1 << 20


class Scorer:
    def __init__(self, crew, order, sockets, top):
        self.out, self.err = bytearray(), bytearray()
        out_read, out_write = crew.pipe()
        err_read, err_write = crew.pipe()
        asked = open(f'{top}/request', 'w+b')
        asked.write(order['request'].encode())
        asked.flush()
        asked.seek(0)
        first, *rest = order['command']
        argv = [crew.slot.python, '-B', *rest] if first == 'python' else [first, *rest]  # bytecode would be a change to the evaluator's folder, and -I hears no environment
        pid = launch.trusted(argv, crew.job['evaluator'], {0: asked.fileno(), 1: out_write, 2: err_write, **sockets})
        asked.close()
        for handle in (out_write, err_write):
            crew.close(handle)
        crew.adopt(pid, 'scorer')
        for handle, into in ((out_read, self.out), (err_read, self.err)):
            crew.slot.watch(handle, lambda handle=handle, into=into: crew.read(handle, lambda piece: into.extend(piece[: max(0, MOST_SCORED - len(into))])))

    def said(self):
        """(its value, None), or (None, what is wrong with its output)."""
        try:
            value = json.loads(bytes(self.out).strip(), parse_constant=lambda word: (_ for _ in ()).throw(ValueError(f'{word} is not JSON')))
        except ValueError as error:
            return None, f'its output is not one JSON value: {error}'
        return value, 'its output is null' if value is None else None

    def complaint(self, status):
        """How it failed and the last it said of that."""
        code = os.waitstatus_to_exitcode(status)
        how = f'exit code {code}' if code >= 0 else f'signal {signal.Signals(-code).name}'
        return f'ended with {how}: {readable(self.err[-2000:])}'
