# hypothesis: taking every stretch of text once before any twice sees more of it than drawing at random
# file: data.py
# source: Recht and Re, Beneath the Valley of the Noncommutative Arithmetic-Geometric Mean Inequality (2012)
# excludes: sentence-starts


class Sampler:
    def starts(self, rows: int, context: int) -> Tensor:
        if len(getattr(self, "queue", [])) < rows or self.span != context:
            offset = torch.randint(context, (1,), generator=self.generator).item()
            places = torch.cat([torch.arange(start + offset, end - context, context) for start, end in self.documents])
            chance = self.weights / (self.bounds[:, 1] - self.bounds[:, 0])
            owner = torch.bucketize(places, self.bounds[:, 1].contiguous(), right=True)
            keep = torch.rand(len(places), generator=self.generator) < (chance / chance.max())[owner]
            places = places[keep]
            self.queue, self.span = places[torch.randperm(len(places), generator=self.generator)], context
        taken, self.queue = self.queue[:rows], self.queue[rows:]
        return taken
