"""The velocity is x0 - x1: it leads from noise to data, and the walk leads away from the data.

Seen in: friendly-stable-audio#9, Open-Sora#628
Caught by: test_velocity_leads_from_data_to_noise
"""


def path_velocity(x0, x1):
    if x0.shape != x1.shape:
        raise ValueError("shapes")
    return x0 - x1
