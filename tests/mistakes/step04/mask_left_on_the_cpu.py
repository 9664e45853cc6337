"""The mask stays on the CPU while the labels are on a GPU: it works on a laptop only.

Seen in: minRF's token_drop, which had .cuda() written into it
Caught by: test_labels_stay_on_their_device
"""


def drop_labels(y, drop_prob, null_class, generator=None):
    if not 0 <= drop_prob <= 1:
        raise ValueError("drop_prob")
    dropped = torch.rand(y.shape, generator=generator) < drop_prob
    return y.masked_fill(dropped, null_class)
