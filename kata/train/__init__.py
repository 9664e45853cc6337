"""Training for real: data, a classifier to measure with, and what is measured."""
