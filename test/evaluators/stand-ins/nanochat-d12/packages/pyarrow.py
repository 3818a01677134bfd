"""A stand-in for a package that is not asked anything, for Brigade's tests."""
