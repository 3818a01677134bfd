"""Which files of a folder a script runs, found by reading it and never by running it.

    python imports.py FOLDER (SCRIPT.py | -m MODULE) [FILE ...]

Prints one JSON object: the files reached, in order; the modules from elsewhere that this interpreter does not have;
the texts in the files, for a metric's name to be looked up in; and the file that could not be read, with why.
"""
import ast
import importlib.util
import json
import os
import sys


def main(folder, start, more):
    folder = os.path.realpath(folder)
    isModule = start[0] == '-m'
    roots = [folder, os.path.join(folder, 'src')] if isModule else [os.path.join(folder, os.path.dirname(start[0])), folder, os.path.join(folder, 'src')]
    roots = [os.path.realpath(root) for root in roots]
    first = find(start[1], roots, folder) if isModule else [start[0]]
    files, waiting, missing, texts, broken = [], [*first, *more], set(), set(), None
    if not first:
        broken = {'file': start[1], 'line': 0, 'message': 'there is no such module here'}
    while waiting and broken is None:
        file = waiting.pop(0)
        if file in files:
            continue
        files.append(file)
        if not file.endswith('.py'):
            continue
        try:
            with open(os.path.join(folder, file), 'rb') as source:
                tree = ast.parse(source.read())
        except (OSError, SyntaxError, ValueError) as error:
            broken = {'file': file, 'line': getattr(error, 'lineno', None) or 0, 'message': getattr(error, 'msg', None) or str(error)}
            break
        texts.update(node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 400)
        optional = {id(inner) for node in ast.walk(tree) if isinstance(node, (ast.Try, ast.FunctionDef, ast.If)) for inner in ast.walk(node)}
        for node in ast.walk(tree):
            reached = {module: find(module, roots, folder) for module in imported(node, file)}
            waiting.extend(one for found in reached.values() for one in found)
            if reached and not any(reached.values()) and id(node) not in optional:
                missing.update(name for name in {module.split('.')[0] for module in reached} if not isThere(name))
    print(json.dumps({'files': files, 'missing': sorted(missing), 'texts': sorted(texts), 'broken': broken}))


def imported(node, file):
    """Dotted names that an import may load; `from a import b` may mean the module a.b."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    package = os.path.dirname(file).split('/') if os.path.dirname(file) else []
    above = package[: len(package) - node.level + 1] if node.level else []
    if node.level and above[:1] == ['src']:
        above = above[1:]
    base = '.'.join([*above, *([node.module] if node.module else [])])
    return [*([base] if base else []), *(f'{base}.{alias.name}' if base else alias.name for alias in node.names)]


def find(module, roots, folder):
    """The files that importing a module of this folder runs: its packages' __init__.py and itself."""
    steps = [step for step in module.split('.') if step]
    for root in roots:
        found = []
        for length in range(1, len(steps) + 1):
            path = os.path.join(root, *steps[:length])
            for file in (os.path.join(path, '__init__.py'), *([f'{path}.py'] if length == len(steps) else [])):
                if os.path.isfile(file):
                    found.append(os.path.relpath(file, folder))
        last = os.path.join(root, *steps)
        if found and (os.path.isfile(f'{last}.py') or os.path.isdir(last)):
            return [file for file in found if not file.startswith('..')]
    return []


def isThere(name):
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


if __name__ == '__main__':
    isNamed = sys.argv[2] == '-m'
    main(sys.argv[1], sys.argv[2:4] if isNamed else sys.argv[2:3], sys.argv[4 if isNamed else 3:])
