"""A coin from random.randint(0, 1): half of the labels are dropped, and torch's seed decides
nothing.

Seen in: a snippet in runwayml/stable-diffusion#8
Caught by: test_share_of_dropped_labels, test_generator_decides_the_result,
    test_without_a_generator_the_global_one_is_used
"""

import random


def drop_labels(y, drop_prob, null_class, generator=None):
    if not 0 <= drop_prob <= 1:
        raise ValueError("drop_prob")
    dropped = torch.tensor([random.randint(0, 1) < drop_prob for _ in y])
    return y.masked_fill(dropped, null_class)
