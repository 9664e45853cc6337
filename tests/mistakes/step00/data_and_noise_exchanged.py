"""Time runs the other way: t belongs to the data and 1 - t to the noise, so that t = 0 is noise.

Seen in: LightningDiT#89, rectified-flow#14
Caught by: test_path_leads_from_data_to_noise, test_every_point_has_its_own_time
"""


def point_on_path(x0, x1, t):
    if x0.shape != x1.shape or t.shape != x0.shape[:1]:
        raise ValueError("shapes")
    t = t.to(x0.dtype)[:, None]
    return t * x0 + (1 - t) * x1
