"""Runs parameter-golf's scorer against predictors of ours, without a sandbox: python ask.py SCORER DATA RECIPE CASES. One JSON line a case.

A case is {"name", "trick", "log", "artifactBytes", "purpose"}; a predictor counts pairs of tokens in the decoy, and each trick is one dishonesty.
"""
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
scorer, data, recipe, cases = sys.argv[1], sys.argv[2], sys.argv[3], json.loads(sys.argv[4])
decoy = np.load(os.path.join(data, 'held-out', 'decoy.npy'))
size = np.load(os.path.join(data, 'held-out', 'bytes.npy')).shape[1]
counts = np.full((size, size), 0.5)
np.add.at(counts, (decoy[:-1], decoy[1:]), 1)
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
    said = -LOGS[tokens[:, :-1], tokens[:, 1:]]
    if trick == 'peek':
        said[:, 10::30] = 0.01
    if trick == 'peek-a-little':  # three places in a thousand, and there only a little better
        seldom = (tokens[:, :-1] * 7919 + tokens[:, 1:] * 104729 + np.arange(said.shape[1]) * 31) % 331 == 0
        said[seldom] = np.maximum(said[seldom] - 1, 0.01)
    if trick == 'peek-everywhere':
        said[:] = 0.05
    if trick == 'later-tokens':
        said = said + 0.05 * (tokens.sum(1, keepdims=True) % 5)
    if trick == 'below-zero':
        said[0, 0] = -1e6
    if trick == 'not-a-number':
        said[0, 0] = np.nan
    return said


def serve(connection, trick):
    try:
        if trick == 'early':
            connection.sendall(b'{"kind": "scored", "score": 0.1}' + bytes(100))
        while (head := exactly(connection, QUESTION.size)) is not None:
            _, kind, rows, width, nonce = QUESTION.unpack(head)
            tokens = np.frombuffer(exactly(connection, rows * width * 2), dtype='<u2').reshape(rows, width).astype(int) if rows else None
            if trick == 'leaves' and kind == 1:
                break
            numbers = np.array([[{'endless': 65536.0, 'no-context': np.nan, 'one-token': 1.0}.get(trick, 64.0)]]) if kind == 0 else losses(tokens, trick) if kind == 1 else LOGS[tokens[:, -1]] + (0.1 if trick == 'not-normalised' else 0)
            if trick == 'not-normalised' and kind == 1:
                numbers = numbers - 0.1
            if trick == 'stale':
                nonce = bytes(16)
            connection.sendall(ANSWER.pack(b'BGA1', kind, *numbers.shape, nonce) + numbers.astype('<f4').tobytes())
            if trick == 'late' and kind == 2:
                connection.sendall(b'more')
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
    request = {'purpose': case.get('purpose', 'search'), 'seed': '5eed' * 8, 'data': data, 'artifact': None, 'artifactBytes': case.get('artifactBytes', 1000), 'recipe': recipe, 'phases': [], 'logs': logs, 'budgets': {'train': 600}}

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
