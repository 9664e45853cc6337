"""Training for real: data, recipes, the loop, checkpoints, a classifier to measure with, and what is measured."""
