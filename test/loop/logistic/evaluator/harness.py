import json, os, sys

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from points import draw

with open(os.environ['BRIGADE_CONTROL'], 'wb', buffering=0) as control:
    control.write(b'R')
sys.path.insert(0, os.environ['BRIGADE_RECIPE'])
import recipe

artifact = os.path.join(os.environ['BRIGADE_WORK'], 'artifact.bin')
if sys.argv[1] == 'predict':
    answer = recipe.load(open(artifact, 'rb').read())
    with os.fdopen(3, 'r+b', buffering=0) as scorer:
        for question in iter(scorer.readline, b''):
            scorer.write(json.dumps([float(p) for p in answer(np.array(json.loads(question)))]).encode() + b'\n')
else:
    seed = int(os.environ.get('BRIGADE_SEED', '0'))
    points, labels = draw(np.random.default_rng(seed % 2**32), 1000)
    open(artifact, 'wb').write(recipe.train(points, labels, seed, 2 if sys.argv[1] == 'smoke' else 10**9))
