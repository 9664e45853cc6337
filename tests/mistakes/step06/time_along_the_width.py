"""t is not reshaped: it runs along the width of the image, silently if B equals the width.

Seen in: the broadcasting rule itself; our own thinking
Caught by: test_interpolate_follows_the_line
Crashes: RuntimeError where B and the width differ
"""


def interpolate(x0, x1, t):
    return (1 - t) * x0 + t * x1, x1 - x0
