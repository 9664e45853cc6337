"""The coins come from a generator of its own, whose seed is one of only a thousand numbers.

Seen in: our own thinking; manual_seed(randint(1000))
Caught by: test_no_two_calls_drop_the_same_labels
"""


def drop_labels(y, drop_prob, null_class, generator=None):
    if not 0 <= drop_prob <= 1:
        raise ValueError("drop_prob")
    device = y.device if generator is None else generator.device
    seed = int(torch.randint(1000, (), generator=generator, device=device))
    source = torch.Generator(device).manual_seed(seed)
    dropped = torch.rand(y.shape, generator=source, device=device) < drop_prob
    return y.masked_fill(dropped.to(y.device), null_class)
