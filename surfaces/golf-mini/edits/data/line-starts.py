# hypothesis: rows that begin where a paragraph does are read as they will be scored, instead of from the middle of a word
# file: data.py
# source: Ding et al., Fewer Truncations Improve Language Modeling (2024)
# excludes: without-replacement
BORDER = ord("\n")  # the byte after which a row may begin: a line break


class Sampler:
    def starts(self, rows: int, context: int) -> Tensor:
        if not hasattr(self, "borders"):
            borders = (self.bytes == BORDER).nonzero().flatten() + 1
            self.borders = [borders[(borders >= start) & (borders < end - context)] for start, end in self.documents]
        drawn = torch.multinomial(self.weights, rows, replacement=True, generator=self.generator).tolist()
        places = []
        for index in drawn:
            options = self.borders[index] if len(self.borders[index]) else self.bounds[index, :1]
            places.append(options[torch.randint(len(options), (1,), generator=self.generator)])
        return torch.cat(places)
