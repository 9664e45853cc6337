"""The data is not scaled by 1 - t: the path is x0 + t x1, and does not end at the noise.

Seen in: our own thinking
Caught by: test_path_leads_from_data_to_noise, test_every_point_has_its_own_time
"""


def point_on_path(x0, x1, t):
    if x0.shape != x1.shape or t.shape != x0.shape[:1]:
        raise ValueError("shapes")
    return x0 + t.to(x0.dtype)[:, None] * x1
