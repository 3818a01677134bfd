import hashlib, json, os, socket, sys

import numpy as np

sys.path.insert(0, os.getcwd())
from points import draw

request = json.load(sys.stdin)
secret = int.from_bytes(hashlib.sha256((request['seed'] + request['purpose']).encode()).digest()[:8], 'big')
points, labels = draw(np.random.default_rng(secret), 400)
predictor = socket.socket(fileno=3).makefile('rwb', buffering=0)
predictor.write(json.dumps(points.tolist()).encode() + b'\n')
line = b''
while not line.endswith(b'\n'):
    piece = predictor.read(65536)
    if not piece:
        print(json.dumps({'kind': 'hung-up', 'who': 'predictor'}))
        sys.exit()
    line += piece
try:
    chance = np.array(json.loads(line), dtype=float)
    if chance.shape != labels.shape or not ((0 <= chance) & (chance <= 1)).all():
        raise ValueError('no probabilities')
except (ValueError, TypeError) as error:
    print(json.dumps({'kind': 'tampered', 'what': str(error)[:100], 'where': 'descriptor 3'}))
    sys.exit()
chance = np.clip(chance, 1e-12, 1 - 1e-12)
loss = float(-np.mean(labels * np.log(chance) + (1 - labels) * np.log(1 - chance)))
print(json.dumps({'kind': 'scored', 'score': loss, 'metrics': {'accuracy': float(np.mean((chance > 0.5) == labels))}, 'gates': []}))
