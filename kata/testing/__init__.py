"""What the tests of the steps are made of: assertions that explain themselves, exact bounds, stand-in models, spies."""
