# hypothesis: a training of five eighths the length at a higher rate still ends above the gate, and three eighths of the time are saved
# file: optimizer.py
# source: Smith and Topin, Super-Convergence: Very Fast Training of Neural Networks Using Large Learning Rates (2018)
EPOCHS = 2.5
LEARNING_RATE = 0.25
