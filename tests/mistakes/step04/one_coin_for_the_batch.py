"""One coin decides for the whole batch: right on average, but all labels of a batch vanish at once.

Seen in: runwayml/stable-diffusion#8 (as a question)
Caught by: test_share_of_dropped_labels, test_number_of_drops_varies, test_labels_are_kept_or_null
"""


def drop_labels(y, drop_prob, null_class, generator=None):
    if not 0 <= drop_prob <= 1:
        raise ValueError("drop_prob")
    if torch.rand((), generator=generator) < drop_prob:
        return torch.full_like(y, null_class)
    return y.clone()
