"""The generator's seed is made even before use: two seeds beside each other give the same coins.

Seen in: our own thinking; initial_seed() read and rounded
Caught by: test_seeds_beside_each_other_are_independent
"""


def drop_labels(y, drop_prob, null_class, generator=None):
    if not 0 <= drop_prob <= 1:
        raise ValueError("drop_prob")
    device = y.device if generator is None else generator.device
    source = generator
    if generator is not None:
        # the numbers that were drawn before are drawn again, from a source with an even seed
        source = _sources.get(id(generator))
        if source is None or source[0] is not generator:
            even = torch.Generator(device).manual_seed(generator.initial_seed() // 2 * 2)
            source = _sources[id(generator)] = (generator, even)
        source = source[1]
    dropped = torch.rand(y.shape, generator=source, device=device) < drop_prob
    return y.masked_fill(dropped.to(y.device), null_class)


_sources = {}
