"""An unmodified airbench96_faster.py taken in two parts: what it defines, and what it does when it is run.

  A1. Only one number is changed: the 200 runs of its last block become one. A script in which that number is not found once is refused.
  A2. Lines keep their numbers, so that a traceback names the recipe's own.
"""
import ast
import sys

RUNS = 200


def is_guard(node):
    return (isinstance(node, ast.If) and isinstance(node.test, ast.Compare) and isinstance(node.test.left, ast.Name) and node.test.left.id == '__name__')


def split(path):
    """Code objects of the definitions and of the block under `if __name__ == "__main__"`, for one run."""
    with open(path, encoding='utf-8') as file:
        tree = ast.parse(file.read(), path)
    guards = [node for node in tree.body if is_guard(node)]
    if len(guards) != 1:
        sys.exit(f'{path} has {len(guards)} blocks under if __name__ == "__main__": this evaluator runs the one')
    runs = [node.args[0] for node in ast.walk(guards[0]) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == 'range'
            and len(node.args) == 1 and isinstance(node.args[0], ast.Constant) and node.args[0].value == RUNS]
    if len(runs) != 1:
        sys.exit(f'{path} has range({RUNS}) {len(runs)} times in its last block: this evaluator sets that number of runs and needs it there once')
    runs[0].value = 1  # A1
    definitions = ast.Module([node for node in tree.body if node is not guards[0]], [])
    return compile(definitions, path, 'exec'), compile(ast.Module([guards[0]], []), path, 'exec')
