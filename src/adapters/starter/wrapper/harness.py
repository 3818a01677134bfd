"""Runs one phase of a wrapped command inside the sandbox: python harness.py smoke | train | hold.

The command runs on a copy of the recipe in scratch, which it may write to. What it prints is passed on to the log and, after
training, left as the artifact: the scorer reads the metric from there. That is the recipe's own word, and evaluator.yaml says so.
"""
import json
import os
import shutil
import subprocess
import sys
import threading

WORK, EVAL = os.environ['BRIGADE_WORK'], os.environ['BRIGADE_EVAL']
TREE = os.path.join(WORK, 'recipe')
MOST_KEPT = 4_000_000  # bytes of the log that are kept from its end; of what came before, the lines that tell the metric

with open(os.path.join(EVAL, 'command.json'), encoding='utf-8') as file:
    SETTINGS = json.load(file)

sys.dont_write_bytecode = True
sys.path.insert(0, EVAL)
import reading  # noqa: E402


def ready():
    """Trusted code has loaded: the clock may start."""
    control = os.open(os.environ['BRIGADE_CONTROL'], os.O_WRONLY)
    os.write(control, b'R')
    os.close(control)


def lay_out():
    """The recipe where it may be written to, and what is mounted where the command looks for it."""
    shutil.copytree(os.environ['BRIGADE_RECIPE'], TREE)
    for folder, _, files in os.walk(TREE):
        for path in (folder, *(os.path.join(folder, name) for name in files)):
            os.chmod(path, 0o700)
    for name, place in SETTINGS['links'].items():
        at = os.path.join(TREE, place)
        os.makedirs(os.path.dirname(at), exist_ok=True)
        os.symlink(os.path.join(os.environ['BRIGADE_MOUNTS'], name), at)


def command():
    words = {'{seed}': os.environ.get('BRIGADE_SEED', '0'), '{python}': sys.executable}
    words.update({'{mount:%s}' % name: os.path.join(os.environ['BRIGADE_MOUNTS'], name) for name in SETTINGS['mounts']})

    def spell(word):
        for mark, meant in words.items():
            word = word.replace(mark, meant)
        return word

    return [spell(word) for word in SETTINGS['command']]


class Listener(threading.Thread):
    """Passes on what the command prints, and keeps the end of it, and what it said of the metric before: the first value counts, or the best."""

    def __init__(self, pipe):
        super().__init__(daemon=True)
        self.pipe, self.told, self.kept = pipe, bytearray(), bytearray()
        self.start()

    def run(self):
        while piece := os.read(self.pipe.fileno(), 65536):
            sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()
            self.kept += piece
            if len(self.kept) > 2 * MOST_KEPT:
                self.cut()

    def cut(self):
        until = len(self.kept) - MOST_KEPT
        until = max(self.kept.rfind(b'\n', 0, until), self.kept.rfind(b'\r', 0, until)) + 1 or until  # half a line tells nothing
        for line in reading.lines(bytes(self.kept[:until])):
            if len(self.told) < MOST_KEPT and reading.values(line.encode(), SETTINGS['pattern']):
                self.told += line[:reading.MOST_LINE].encode() + b'\n'
        del self.kept[:until]

    def log(self):
        return bytes(self.told + self.kept)


def environment():
    """The recipe's own folders come before any copy of them that is installed in the environment."""
    own = [TREE, *(path for path in [os.path.join(TREE, 'src')] if os.path.isdir(path))]
    given = SETTINGS['env'].get('PYTHONPATH')
    return {**os.environ, **SETTINGS['env'], 'PYTHONPATH': os.pathsep.join([*([given] if given else []), *own])}


def run(seconds=None):
    """The command's exit code and the end of its log; a code of None when it still ran after `seconds`."""
    process = subprocess.Popen(command(), cwd=TREE, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    listener = Listener(process.stdout)
    try:
        code = process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None, listener.log()
    listener.join(2.0)  # a child it left behind may hold its output open
    return code, listener.log()


def leave(code):
    sys.stdout.flush()
    os._exit(code if code >= 0 else 128 - code)


def refuse(why):
    print(f'\n{why}')
    leave(1)


def train():
    code, log = run()
    if code != 0:
        leave(code)
    if not reading.values(log, SETTINGS['pattern']):
        last = (reading.lines(log) or ['nothing at all'])[-1].strip()[:200]
        refuse(f"the command ended well and never printed {SETTINGS['metric']} as the pattern in command.json has it; the last it printed is {last!r}")
    artifact = os.path.join(TREE, SETTINGS['artifact']) if SETTINGS['artifact'] else None
    if artifact and not os.path.isfile(artifact):
        refuse(f"the command ended well and left no {SETTINGS['artifact']}")
    header = json.dumps({'artifactBytes': os.path.getsize(artifact) if artifact else None})
    shutil.rmtree(TREE, ignore_errors=True)  # nothing but the log is wanted of it
    with open(os.path.join(WORK, 'log.txt'), 'wb') as out:
        out.write(header.encode() + b'\n' + log)
    leave(0)


def main(phase):
    if phase == 'hold':  # the scorer has the log already; this side only waits until it has read it
        ready()
        while os.read(3, 4096):
            pass
        return
    lay_out()
    ready()
    if phase == 'smoke':
        code, _ = run(SETTINGS['smokeSeconds'])
        leave(code or 0)
    train()


if __name__ == '__main__':
    main(sys.argv[1])
