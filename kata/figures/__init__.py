"""The figures, each with its caption, in one style."""
