"""The parts of the step tests: assertions, exact bounds, stand-in models, spies, closed forms."""
