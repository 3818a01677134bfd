"""A stand-in for nanochat, written for Brigade's tests: the names its evaluator uses, and little behind them."""
