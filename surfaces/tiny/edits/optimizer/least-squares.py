# hypothesis: solving the normal equations finds in one step what descent approaches in hundreds
# file: optimizer.py
# source: Gauss 1809
RIDGE = 0.001


def fit(rows, generator, most_steps):
    """Weights of the regularised normal equations, by Gaussian elimination."""
    size = len(rows[0][0])
    table = [[sum(v[i] * v[j] for v, _ in rows) + (RIDGE if i == j else 0.0) for j in range(size)] + [sum(v[i] * y for v, y in rows)] for i in range(size)]
    for i in range(size):
        pivot = max(range(i, size), key=lambda row: abs(table[row][i]))
        table[i], table[pivot] = table[pivot], table[i]
        for row in range(size):
            if row != i:
                factor = table[row][i] / table[i][i]
                table[row] = [a - factor * b for a, b in zip(table[row], table[i])]
    weights = [table[i][size] / table[i][i] for i in range(size)]
    return weights, []
