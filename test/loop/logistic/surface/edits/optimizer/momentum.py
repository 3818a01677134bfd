# hypothesis: steps that remember the last ones go further along a long valley
# file: recipe.py
# source: Polyak, 1964
VELOCITY = []


def step(weights, gradient):
    VELOCITY[:] = [gradient + (0.9 * VELOCITY[0] if VELOCITY else 0)]
    return weights - RATE * VELOCITY[0]
