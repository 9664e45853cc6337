"""t is used in its own dtype: times in double turn all images into doubles.

Seen in: our own thinking
Caught by: test_interpolate_keeps_the_dtype
"""


def interpolate(x0, x1, t):
    if x0.shape != x1.shape or tuple(t.shape) != (x0.shape[0],):
        raise ValueError("the shapes do not fit")
    t = t.view(-1, 1, 1, 1)
    return (1 - t) * x0 + t * x1, x1 - x0
