"""The walk adds the velocity: it goes along the arrow from data to noise, away from the data.

Seen in: LightningDiT#89
Caught by: test_constant_velocity_is_walked_once, test_point_mass_is_reached_exactly,
test_each_step_starts_where_the_last_one_ended
"""


def walk_back(velocity, x1, num_steps=50):
    if num_steps < 1:
        raise ValueError("num_steps")
    x = x1
    for i in range(num_steps):
        t = x1.new_full((len(x1),), 1 - i / num_steps)
        x = x + velocity(x, t) / num_steps
    return x
