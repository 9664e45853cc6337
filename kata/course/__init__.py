"""The course itself: which steps there are, where they lie, how they are loaded, what a stub and
a mistake are.
"""


class KataError(Exception):
    """Something cannot be done; the message is one sentence that says why and what to do."""
