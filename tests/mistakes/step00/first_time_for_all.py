"""The first time is used for all points: each point has a time of its own.

Seen in: our own thinking
Caught by: test_every_point_has_its_own_time
"""


def point_on_path(x0, x1, t):
    if x0.shape != x1.shape or t.shape != x0.shape[:1]:
        raise ValueError("shapes")
    t = t[0].to(x0.dtype)
    return (1 - t) * x0 + t * x1
