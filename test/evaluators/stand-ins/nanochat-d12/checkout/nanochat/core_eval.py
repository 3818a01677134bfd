"""Questions as tokens: what is asked, in how many rows, and where in a row the answer stands."""


def batch_sequences_mc(tokenizer, prompts):
    tokens = tokenizer(prompts, prepend=tokenizer.get_bos_token_id())
    start = next(k for k in range(len(tokens[0])) if len({tuple(row[: k + 1]) for row in tokens}) > 1)
    return tokens, [start] * len(tokens), [len(row) for row in tokens]


def batch_sequences_schema(tokenizer, prompts):
    tokens = tokenizer(prompts, prepend=tokenizer.get_bos_token_id())
    return tokens, [len(row) - 3 for row in tokens], [len(row) for row in tokens]


def batch_sequences_lm(tokenizer, prompts):
    without, whole = tokenizer(prompts, prepend=tokenizer.get_bos_token_id())
    return [whole], [len(without)], [len(whole)]


def forward_model(model, input_ids):
    raise NotImplementedError


def evaluate_example(idx, model, tokenizer, data, device, task_meta):
    item, kind = data[idx], task_meta["task_type"]
    if kind == "multiple_choice":
        batch = batch_sequences_mc(tokenizer, [item["query"] + choice for choice in item["choices"]])
    elif kind == "schema":
        batch = batch_sequences_schema(tokenizer, [option + item["continuation"] for option in item["context_options"]])
    else:
        batch = batch_sequences_lm(tokenizer, [item["context"], item["context"] + item["continuation"]])
    return forward_model(model, batch)
