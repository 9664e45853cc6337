"""What is done with a model: train, demo, evaluate, generate, bench, ship."""
