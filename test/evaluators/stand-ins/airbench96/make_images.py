"""Writes made-up images in upstream's cache format: python make_images.py FOLDER [same]. Ten colours with noise; `same` makes the test set the first training images."""
import os
import sys

import torch

folder = sys.argv[1]
os.makedirs(folder)
torch.manual_seed(3)
colours = torch.randint(60, 200, (10, 1, 1, 3))
for name, count in (("train.pt", 200), ("test.pt", 100)):
    labels = torch.arange(count) % 10
    images = (colours[labels] + torch.randint(-40, 40, (count, 32, 32, 3))).clamp(0, 255).to(torch.uint8)
    if name == "train.pt":
        first = images[:100]
    elif sys.argv[2:] == ["same"]:
        images = first
    torch.save({"images": images, "labels": labels, "classes": [str(k) for k in range(10)]}, os.path.join(folder, name))
