# hypothesis: only images whose answer is close profit from further views, and they are few; each is judged by its own answer alone
# file: kernel.py
# source: Keller Jordan's notes on selective test-time augmentation in airbench (2024); Viola and Jones, cascades (2001)
# excludes: one-look, two-looks
CLOSE = 2.5  # difference of the best two logits below which an image is looked at again


def predict(net: nn.Module, images: Tensor) -> Tensor:
    answers = []
    for rows in images.split(PREDICTION_ROWS):
        inputs = normalise(rows)
        answer = net(arrange(inputs))
        best = answer.topk(2).values
        close = (best[:, 0] - best[:, 1] < CLOSE).nonzero()[:, 0]
        if len(close) > 0:
            looks = views(inputs[close])
            answer[close] = sum(net(arrange(look)) for look in looks) / len(looks)
        answers.append(answer)
    return torch.cat(answers)
