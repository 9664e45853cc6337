"""The velocity is divided by its length: its direction is right, but one unit of time no longer
leads from data to noise.

Seen in: our own thinking
Caught by: test_velocity_leads_from_data_to_noise
"""


def path_velocity(x0, x1):
    if x0.shape != x1.shape:
        raise ValueError("shapes")
    v = x1 - x0
    return v / v.norm(dim=1, keepdim=True)
