"""The loop ends before its last step: what comes out has noise in it still.

Seen in: our own thinking
Caught by: test_velocity_is_evaluated_at_one_to_dt, test_constant_velocity_is_walked_once
"""


def walk_back(velocity, x1, num_steps=50):
    if num_steps < 1:
        raise ValueError("num_steps")
    x = x1
    for i in range(num_steps - 1):
        t = x1.new_full((len(x1),), 1 - i / num_steps)
        x = x - velocity(x, t) / num_steps
    return x
