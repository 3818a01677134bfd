"""Writes a made-up NANOCHAT_BASE_DIR: python make_base.py FOLDER. Text of a few words in a fixed order, and 22 tasks about which word comes next."""
import json
import os
import random
import sys

folder = sys.argv[1]
WORDS = ["alpha", "bravo", "carol", "delta", "eagle", "fjord", "gamma", "hotel"]
CHANCES = {"copa": 50, "boolq": 62, "hellaswag": 25, "jeopardy": 0}
rng = random.Random(5)
for part in ("base_data_climbmix", "tokenizer", "eval_bundle/eval_data"):
    os.makedirs(os.path.join(folder, part))
for number in (0, 1, 2, 6542):
    with open(os.path.join(folder, "base_data_climbmix", f"shard_{number:05d}.parquet"), "w") as file:
        file.write(" ".join(rng.choice(WORDS) for _ in range(3000)))
with open(os.path.join(folder, "tokenizer", "tokenizer.txt"), "w") as file:
    file.write("letters\n")
tasks, rows = [], []
labels = ["copa", "boolq", "hellaswag", "jeopardy", *(f"made_up_{k}" for k in range(18))]
for k, label in enumerate(labels):
    kind = ("language_modeling", "multiple_choice", "schema")[k % 3] if label not in ("copa", "boolq", "hellaswag") else "multiple_choice"
    with open(os.path.join(folder, "eval_bundle", "eval_data", f"{label}.jsonl"), "w") as file:
        for _ in range(9):
            right = rng.choice(WORDS)
            wrong = rng.choice([word for word in WORDS if word != right]) if k % 2 else "".join(rng.sample("abcdefgh", 5))  # half of the tasks cannot be known
            options = [right, wrong] if rng.random() < 0.5 else [wrong, right]
            item = {"query": "say ", "choices": options, "context": "say " + right[:3], "continuation": right[3:] if kind == "language_modeling" else "say", "context_options": [f"{one} " for one in options], "gold": options.index(right)}
            file.write(json.dumps(item) + "\n")
    tasks.append({"label": label, "icl_task_type": kind, "dataset_uri": f"{label}.jsonl", "num_fewshot": [0]})
    rows.append(f"{label},{CHANCES.get(label, 25)}")
with open(os.path.join(folder, "eval_bundle", "core.yaml"), "w") as file:
    json.dump({"icl_tasks": tasks}, file)
with open(os.path.join(folder, "eval_bundle", "eval_meta_data.csv"), "w") as file:
    file.write("Eval Task,Random baseline\n" + "\n".join(rows) + "\n")
