"""A stand-in for the torchvision package, for Brigade's tests: the one transform that airbench96 uses."""
