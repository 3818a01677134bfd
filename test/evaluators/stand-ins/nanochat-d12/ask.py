"""Runs nanochat-d12's scorer against predictors of ours, without a sandbox: python ask.py SCORER DATA CASES. One JSON line a case."""
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading

import numpy as np

QUESTION, ANSWER = struct.Struct('<4sIII16s'), struct.Struct('<4sIII16s')
scorer, data, cases = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
text = np.load(os.path.join(data, 'held-out', 'text.npy'))
size = len(np.load(os.path.join(data, 'held-out', 'token_bytes.npy')))
counts = np.full((size, size), 0.05)
np.add.at(counts, (text[:, :-1].ravel(), text[:, 1:].ravel()), 1)
held = {name: np.load(os.path.join(data, 'held-out', f'{name}.npy')) for name in ('tokens', 'offsets', 'row_example', 'example_exact')}
CHOICES = {tuple(held['tokens'][held['offsets'][k]:held['offsets'][k + 1]].tolist()) for k, example in enumerate(held['row_example']) if not held['example_exact'][example]}
LOGS = np.log(counts / counts.sum(1, keepdims=True))


def exactly(connection, count):
    held = bytearray()
    while len(held) < count:
        piece = connection.recv(count - len(held))
        if not piece:
            return None
        held += piece
    return bytes(held)


def losses(tokens, trick):
    nats, likeliest = -LOGS[tokens[:, :-1], tokens[:, 1:]], LOGS[tokens[:, :-1]].argmax(-1).astype(float)
    if trick == 'reads-ahead':
        nats, likeliest = np.full_like(nats, 0.01), tokens[:, 1:].astype(float)
    if trick == 'all-but-last':  # of each row of a choice, whose last place was the only one asked again
        for row, said in zip(tokens, nats):
            length = next((n for n in range(len(row), 1, -1) if tuple(row[:n].tolist()) in CHOICES), 0)
            said[:max(0, length - 2)] += 1
    if trick == 'below-zero':
        nats[0, 0] = -1e6
    if trick == 'others-than-likeliest':
        likeliest[:, ::8] = tokens[:, 1::8]
    if trick == 'not-a-number':
        nats[:] = np.nan
    return np.concatenate([nats, likeliest], axis=1)


def serve(connection, trick):
    try:
        if trick == 'early':
            connection.sendall(bytes(100))
        while (head := exactly(connection, QUESTION.size)) is not None:
            _, kind, rows, width, nonce = QUESTION.unpack(head)
            tokens = np.frombuffer(exactly(connection, rows * width * 2), dtype='<u2').reshape(rows, width).astype(int)
            if trick == 'leaves':
                break
            numbers = losses(tokens, trick) if kind == 1 else LOGS[tokens[:, -1]] + (0.05 if trick == 'not-normalised' else 0)
            connection.sendall(ANSWER.pack(b'BNA1', kind, *numbers.shape, bytes(16) if trick == 'stale' else nonce) + numbers.astype('<f4').tobytes())
    except (OSError, TypeError):
        pass
    connection.close()


for case in cases:
    pairs = [socket.socketpair() for _ in range(2)]
    serving = [threading.Thread(target=serve, args=(ours, case['trick']), daemon=True) for ours, _ in pairs]
    for thread in serving:
        thread.start()
    logs = {}
    if case.get('log') is not None:
        with tempfile.NamedTemporaryFile('w', delete=False) as file:
            file.write(case['log'])
        logs['train'] = file.name
    request = {'purpose': case.get('purpose', 'search'), 'seed': '5eed' * 8, 'data': data, 'artifact': None, 'artifactBytes': 1, 'recipe': '', 'phases': [], 'logs': logs, 'budgets': {}}

    def place():
        moved = [os.dup(theirs.fileno()) for _, theirs in pairs]
        for number, handle in enumerate(moved):
            os.dup2(handle, 3 + number)

    done = subprocess.run([sys.executable, '-I', scorer], input=json.dumps(request), capture_output=True, text=True, preexec_fn=place, pass_fds=(3, 4), check=False)
    for _, theirs in pairs:
        theirs.close()
    for thread in serving:  # one that closed its end while the next scorer was being started left that without a descriptor
        thread.join()
    print(json.dumps({'name': case['name'], **(json.loads(done.stdout) if done.returncode == 0 else {'kind': 'failed', 'why': done.stderr.strip().split('\n')[-1]})}), flush=True)
