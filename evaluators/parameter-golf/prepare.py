"""Deals the validation text of parameter-golf and makes the decoy: python prepare.py OUT TOKENIZER LAST_TRAIN_SHARD VALIDATION_SHARD...

  D1. search, confirm and final share no token: pieces of 65,536 tokens are dealt to them in turn. A piece knows the one token that follows it, as a target.
  D2. The byte table is the evaluator's own, and is checked against the decoded text of every document: a difference refuses the data.
  D3. The decoy that a training process finds as validation text comes from the end of the last training shard, and is trained on by nobody.
"""
import json
import os
import sys

import numpy as np
import sentencepiece

PIECE = 65536
DECOY = 1 << 20
MAGIC, VERSION, HEADER = 20240520, 1, 256
SETS = ('search', 'confirm', 'final')


def read_shard(path):
    header = np.fromfile(path, dtype='<i4', count=HEADER)
    if header.size != HEADER or header[0] != MAGIC or header[1] != VERSION:
        sys.exit(f'{path} is no shard of this challenge: its header has another magic number or version')
    tokens = np.fromfile(path, dtype='<u2', offset=4 * HEADER)
    if len(tokens) != header[2]:
        sys.exit(f'{path} holds {len(tokens)} tokens and says {header[2]}: fetch it again')
    return tokens


def write_shard(path, tokens):
    header = np.zeros(HEADER, dtype='<i4')
    header[:3] = MAGIC, VERSION, len(tokens)
    with open(path, 'wb') as file:
        file.write(header.tobytes() + tokens.astype('<u2').tobytes())


def byte_table(processor):
    """Bytes of each token, whether it begins with a space, and whether it is no text at all."""
    size = processor.vocab_size()
    base, space, boundary = (np.zeros(size, dtype=np.int16) for _ in range(3))
    for token in range(size):
        if processor.is_control(token) or processor.is_unknown(token) or processor.is_unused(token):
            boundary[token] = 1
        elif processor.is_byte(token):
            base[token] = 1
        else:
            piece = processor.id_to_piece(token)
            space[token] = piece.startswith('\u2581')
            base[token] = len(piece[int(space[token]):].encode('utf-8'))
    return np.stack([base, space, boundary])


def bytes_of(table, tokens):
    """Bytes of every token but the first."""
    base, space, boundary = table
    return base[tokens[1:]].astype(np.int64) + (space[tokens[1:]].astype(bool) & ~boundary[tokens[:-1]].astype(bool))


def check_table(processor, table, tokens):
    """D2: document by document, what the table counts is what decoding yields."""
    starts = np.flatnonzero(table[2][tokens])
    if len(starts) == 0 or starts[0] != 0:
        sys.exit('the validation text does not begin with a document boundary: its bytes cannot be counted')
    for start, end in zip(starts, [*starts[1:], len(tokens)]):
        counted, decoded = int(bytes_of(table, tokens[start:end]).sum()), len(processor.decode(tokens[start + 1:end].tolist()).encode('utf-8'))
        if counted != decoded:
            sys.exit(f'the document at token {start} has {decoded} bytes, and the table counts {counted}: tokenizer and shards do not belong together')
    return len(starts)


def main(out, model, last_shard, *validation):
    processor = sentencepiece.SentencePieceProcessor(model_file=model)
    table = byte_table(processor)
    tokens = np.concatenate([read_shard(path) for path in validation])
    if tokens.max() >= table.shape[1]:
        sys.exit(f'the shards hold token {tokens.max()}, and {model} knows {table.shape[1]}: they do not belong together')
    documents = check_table(processor, table, tokens)
    piece = min(PIECE, (len(tokens) - 1) // (4 * len(SETS)))  # small shards of a trial set-up still give every set some
    pieces = np.stack([tokens[k * piece:(k + 1) * piece + 1] for k in range((len(tokens) - 1) // piece)])
    save = lambda name, array: np.save(os.path.join(out, f'held-out.{name}.npy'), array)
    account = {}
    for number, name in enumerate(SETS):  # D1
        dealt = pieces[number::len(SETS)]
        save(name, dealt)
        account[name] = int(sum(bytes_of(table, one).sum() for one in dealt))
    save('bytes', table)
    with open(os.path.join(out, 'held-out.account.json'), 'w') as file:
        json.dump(account, file)

    last = read_shard(last_shard)
    decoy = last[-min(DECOY, len(last) // 4):]
    write_shard(os.path.join(out, 'train.shard'), last[:-len(decoy)])  # D3
    write_shard(os.path.join(out, 'train.fineweb_val_000000.bin'), decoy)
    write_shard(os.path.join(out, 'evaluation.fineweb_val_000000.bin'), decoy)
    write_shard(os.path.join(out, 'evaluation.fineweb_train_000000.bin'), decoy)
    save('decoy', decoy)
    with open(os.path.join(out, 'tokenizer.vocabulary'), 'w') as file:
        file.write(f'{processor.vocab_size()}\n')
    print(f'{len(tokens)} validation tokens in {documents} documents, {len(pieces)} pieces; decoy of {len(decoy)} tokens', file=sys.stderr)


if __name__ == '__main__':
    main(*sys.argv[1:])
