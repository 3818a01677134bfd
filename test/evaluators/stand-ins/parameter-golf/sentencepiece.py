"""A stand-in for the sentencepiece package, for Brigade's tests: a model file is a JSON list of pieces, the first of them the document boundary."""
import json


class SentencePieceProcessor:
    def __init__(self, model_file):
        with open(model_file, encoding="utf-8") as file:
            self.pieces = json.load(file)

    def vocab_size(self):
        return len(self.pieces)

    def is_control(self, token):
        return token == 0

    def is_unknown(self, token):
        return False

    is_unused = is_byte = is_unknown

    def id_to_piece(self, token):
        return self.pieces[token]

    def decode(self, tokens):
        return "".join(self.pieces[token] for token in tokens).replace("\u2581", " ").removeprefix(" ")
