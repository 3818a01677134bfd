"""Runs a module of a tree as a script with a seed of the evaluator's: python launch.py TREE SEED MODULE [options]. The seed that upstream writes down becomes it."""
import runpy
import sys

import torch

WRITTEN_DOWN = 42
tree, seed, module = sys.argv[1], int(sys.argv[2]), sys.argv[3]


def seeded(own):
    return lambda number: own(seed if number == WRITTEN_DOWN else number)


torch.manual_seed, torch.cuda.manual_seed = seeded(torch.manual_seed), seeded(torch.cuda.manual_seed)
sys.path[0] = tree
sys.argv = [module, *sys.argv[4:]]
runpy.run_module(module, run_name='__main__', alter_sys=True)
