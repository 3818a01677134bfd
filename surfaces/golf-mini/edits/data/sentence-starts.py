# hypothesis: rows that begin where a sentence does are learnt with all that they depend on, instead of from the middle of a word
# file: data.py
# source: Ding et al., Fewer Truncations Improve Language Modeling (2024)
# excludes: without-replacement


class Sampler:
    def starts(self, rows: int, context: int) -> Tensor:
        if not hasattr(self, "openings"):
            sentences = ((self.bytes[:-2] == ord(".")) & (self.bytes[1:-1] == ord(" "))).nonzero().flatten() + 2
            self.openings = torch.cat((sentences, self.bounds[:, 0])).sort().values  # so that no document is without one
            self.spans = torch.searchsorted(self.openings, self.bounds - torch.tensor([0, CONTEXT]))
        drawn = torch.multinomial(self.weights, rows, replacement=True, generator=self.generator)
        first, last = self.spans[drawn].unbind(1)
        return self.openings[first + (torch.rand(rows, generator=self.generator) * (last - first)).long()]
