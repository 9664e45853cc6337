"""What the person at the keyboard can put right."""


class KataError(Exception):
    """Something cannot be done; the message is one sentence that says why and what to do."""
