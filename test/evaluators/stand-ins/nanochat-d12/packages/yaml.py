"""A stand-in for the yaml package, for Brigade's tests: JSON is YAML."""
from json import load as safe_load  # noqa: F401
