"""Lays CIFAR-10 out for airbench96: python prepare.py OUT SOURCE

  D1. A training process gets train.pt, and as test.pt a decoy of as many training images: the test set goes to the scorer alone.
"""
import os
import sys

import numpy as np
import torch


def read(source, train):
    cached = os.path.join(source, 'train.pt' if train else 'test.pt')
    if os.path.exists(cached):
        found = torch.load(cached, map_location='cpu')
        return found['images'], found['labels'], list(found['classes'])
    import torchvision

    found = torchvision.datasets.CIFAR10(source, download=True, train=train)
    return torch.tensor(found.data), torch.tensor(found.targets), list(found.classes)


def main(out, source):
    images, labels, classes = read(source, True)
    test_images, test_labels, _ = read(source, False)
    for name, held in (('training', images), ('test', test_images)):
        if held.dtype != torch.uint8 or held.shape[1:] != (32, 32, 3):
            sys.exit(f'the {name} images of {source} are {tuple(held.shape)} of {held.dtype}: 32 x 32 x 3 bytes are needed')
    torch.save({'images': images, 'labels': labels, 'classes': classes}, os.path.join(out, 'train.train.pt'))
    decoy = slice(0, len(test_images))
    torch.save({'images': images[decoy].clone(), 'labels': labels[decoy].clone(), 'classes': classes}, os.path.join(out, 'train.test.pt'))  # D1
    np.save(os.path.join(out, 'held-out.images.npy'), test_images.numpy().reshape(len(test_images), -1))
    np.save(os.path.join(out, 'held-out.labels.npy'), test_labels.numpy().astype(np.uint8))
    print(f'{len(images)} training images, {len(test_images)} test images', file=sys.stderr)


if __name__ == '__main__':
    main(*sys.argv[1:])
