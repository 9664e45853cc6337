"""The walk takes one long step with the velocity at t = 1, whatever num_steps is.

Seen in: our own thinking
Caught by: test_velocity_is_evaluated_at_one_to_dt
"""


def walk_back(velocity, x1, num_steps=50):
    if num_steps < 1:
        raise ValueError("num_steps")
    return x1 - velocity(x1, torch.ones(len(x1), dtype=x1.dtype))
