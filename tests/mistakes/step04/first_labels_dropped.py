"""The first p * B labels of the batch are dropped: nothing is random, and the same places are
dropped every time.

Seen in: our own thinking
Caught by: test_every_call_draws_anew, test_number_of_drops_varies,
test_every_position_is_dropped_equally_often
"""


def drop_labels(y, drop_prob, null_class, generator=None):
    if not 0 <= drop_prob <= 1:
        raise ValueError("drop_prob")
    result = y.clone()
    result[: round(drop_prob * len(y))] = null_class
    return result
