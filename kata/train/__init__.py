"""Training for real: data, recipes, the loop, checkpoints, the pipeline, classifier and metrics."""
