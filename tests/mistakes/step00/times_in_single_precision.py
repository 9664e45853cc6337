"""The times are float32, whatever the dtype of x1: torch.full has an argument dtype.

Seen in: our own thinking
Caught by: test_dtype_of_the_start_is_kept
"""


def walk_back(velocity, x1, num_steps=50):
    if num_steps < 1:
        raise ValueError("num_steps")
    x = x1
    for i in range(num_steps):
        t = torch.full((len(x1),), 1 - i / num_steps)
        x = x - velocity(x, t) / num_steps
    return x
