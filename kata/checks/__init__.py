"""What the tests of the steps are made of: comparisons that explain themselves, stand-in models, exact bounds."""
