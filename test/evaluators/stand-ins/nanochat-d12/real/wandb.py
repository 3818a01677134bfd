"""A stand-in for a package that is imported and not asked anything, for Brigade's tests."""
