"""Prints, for each Python file named, the places whose change changes code and no name that a block is anchored by: numbers, and names that are read outside of calls' functions, conditions and targets."""
import ast
import json
import sys

found = {}
for path in sys.argv[1:]:
    tree = ast.parse(open(path, encoding="utf-8").read())
    skipped = set()
    for node in ast.walk(tree):
        parts = []
        if isinstance(node, ast.Call):
            parts = [node.func]
        elif isinstance(node, (ast.If, ast.While)):
            parts = [node.test]
        elif isinstance(node, ast.Assign):
            parts = node.targets
        elif isinstance(node, (ast.AugAssign, ast.AnnAssign, ast.For)):
            parts = [node.target]
        elif isinstance(node, (ast.JoinedStr, ast.Global, ast.Delete)):
            parts = [node]
        for part in parts:
            skipped.update(id(inner) for inner in ast.walk(part))
    places = []
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        is_number = isinstance(node, ast.Constant) and type(node.value) in (int, float)
        if is_number or (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)):
            places.append([node.lineno, node.col_offset, node.end_col_offset])
    found[path] = sorted(places)
json.dump(found, sys.stdout)
