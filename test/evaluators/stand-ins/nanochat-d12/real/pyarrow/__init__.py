"""A stand-in for the pyarrow package, for Brigade's tests."""
