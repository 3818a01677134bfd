# hypothesis: logits bent towards a bound keep a young model from certainty, so that rare continuations still get gradients
# file: model.py
# source: Gemma Team, Gemma 2: Improving Open Language Models at a Practical Size (2024)
LOGIT_BOUND = 15.0


class Head(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return LOGIT_BOUND * torch.tanh(F.linear(norm(x), self.weight) / LOGIT_BOUND)
