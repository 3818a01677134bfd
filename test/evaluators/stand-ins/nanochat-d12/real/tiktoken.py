"""A stand-in for the tiktoken package, for Brigade's tests: letters are tokens, and the one special token comes after them."""
LETTERS = " abcdefghijklmnopqrstuvwxyz:?!.,ABCDEFGHIJKLMNOPQRSTUVWXYZ012"


class Encoding:
    n_vocab = len(LETTERS) + 1
    special_tokens_set = {"<|bos|>"}

    def encode_ordinary(self, text):
        return [max(0, LETTERS.find(letter)) for letter in text]

    def encode_ordinary_batch(self, texts, num_threads=1):
        return [self.encode_ordinary(text) for text in texts]

    def encode_single_token(self, text):
        return len(LETTERS)

    def decode(self, tokens):
        return "".join((*LETTERS, "")[token] for token in tokens)
