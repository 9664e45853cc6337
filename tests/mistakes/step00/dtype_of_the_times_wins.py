"""Times in double precision make the points double, because t is not brought to the dtype of x0.

Seen in: our own thinking
Caught by: test_dtype_of_the_data_is_kept_on_the_path
"""


def point_on_path(x0, x1, t):
    if x0.shape != x1.shape or t.shape != x0.shape[:1]:
        raise ValueError("shapes")
    t = t[:, None]
    return (1 - t) * x0 + t * x1
