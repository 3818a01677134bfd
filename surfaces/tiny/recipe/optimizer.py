"""How the weights are found: stochastic gradient descent."""

RATE = 0.02
STEPS = 40
MOMENTUM = 0.0
INITIAL_SPREAD = 0.1


def rate_at(step, steps):
    return RATE


def fit(rows, generator, most_steps):
    """Weights after visiting every row `STEPS` times, and the loss of each visit."""
    steps = min(STEPS, most_steps)
    weights = [generator.gauss(0, INITIAL_SPREAD) for _ in rows[0][0]]
    speed = [0.0] * len(weights)
    losses = []
    for step in range(steps):
        total = 0.0
        for values, wanted in rows:
            error = sum(weight * value for weight, value in zip(weights, values)) - wanted
            total += error * error
            for k, value in enumerate(values):
                speed[k] = MOMENTUM * speed[k] - rate_at(step, steps) * error * value
                weights[k] += speed[k]
        losses.append(total / len(rows))
    return weights, losses
