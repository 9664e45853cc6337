"""What is done with a trained model, and how one is made: train, demo, evaluate, generate, bench, ship."""
