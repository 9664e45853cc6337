"""The weights are those of a diffusion that keeps the variance, sqrt(1 - t²) and t: the path is
not a straight line.

Seen in: our own thinking
Caught by: test_every_point_has_its_own_time
"""


def point_on_path(x0, x1, t):
    if x0.shape != x1.shape or t.shape != x0.shape[:1]:
        raise ValueError("shapes")
    t = t.to(x0.dtype)[:, None]
    return (1 - t**2).sqrt() * x0 + t * x1
