# hypothesis: three digits round away part of the fit, and there is room for more
# file: kernel.py
# source: IEEE 754
DIGITS = 9
