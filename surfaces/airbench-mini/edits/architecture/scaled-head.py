# hypothesis: small logits at the start and all through keep the loss from being sure too soon, and let the rate be higher
# file: model.py
# source: Page, How to Train Your ResNet 3 (2018); the scaling factor of Keller Jordan's airbench (2024)
HEAD_SCALE = 0.25
