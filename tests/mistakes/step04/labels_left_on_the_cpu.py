"""The labels are brought to the generator's device and stay there.

Seen in: our own thinking; y.to(device) and no way back
Caught by: test_labels_stay_on_their_device
"""


def drop_labels(y, drop_prob, null_class, generator=None):
    if not 0 <= drop_prob <= 1:
        raise ValueError("drop_prob")
    device = y.device if generator is None else generator.device
    dropped = torch.rand(y.shape, generator=generator, device=device) < drop_prob
    return y.to(device).masked_fill(dropped, null_class)
