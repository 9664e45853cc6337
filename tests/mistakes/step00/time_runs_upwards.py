"""Time goes from 0 to 1, but the walk begins at the noise, which is t = 1.

Seen in: LightningDiT#89
Caught by: test_velocity_is_evaluated_at_one_to_dt
"""


def walk_back(velocity, x1, num_steps=50):
    if num_steps < 1:
        raise ValueError("num_steps")
    x = x1
    for i in range(num_steps):
        t = x1.new_full((len(x1),), i / num_steps)
        x = x - velocity(x, t) / num_steps
    return x
