"""A probability outside [0, 1] is clamped instead of being refused: 10, meant as a percentage,
drops all.

Seen in: our own thinking
Caught by: test_probability_outside_its_range_is_refused
"""


def drop_labels(y, drop_prob, null_class, generator=None):
    drop_prob = min(max(drop_prob, 0.0), 1.0)
    device = generator.device if generator is not None else y.device
    dropped = torch.rand(y.shape, generator=generator, device=device).to(y.device) < drop_prob
    return y.masked_fill(dropped, null_class)
