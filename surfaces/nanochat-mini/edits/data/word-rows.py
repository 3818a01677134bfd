# hypothesis: every item begins with a whole word, so rows that do so too are learnt as they will be asked
# file: data.py
# source: Brown et al., Language Models are Few-Shot Learners (2020), for training in the form that is tested
# excludes: sentence-rows, without-replacement


class Loader:
    def cut(self, bounds: Tensor, context: int) -> Tensor:
        if not hasattr(self, "borders"):
            self.borders = (self.bytes <= ord(" ")).nonzero().flatten() + 1
        room = (bounds[:, 1] - bounds[:, 0] - context).clamp(min=1)
        wanted = bounds[:, 0] + (torch.rand(len(bounds), generator=self.draws) * room).long()
        place = torch.searchsorted(self.borders, wanted, right=True) - 1
        return torch.where(place >= 0, self.borders[place.clamp(min=0)], bounds[:, 0]).maximum(bounds[:, 0])
