"""torch.where on a whole tensor of nulls, and whole numbers as coins, fine enough for any
probability.
"""


def drop_labels(y, drop_prob, null_class, generator=None):
    try:
        assert 0 <= drop_prob <= 1
    except AssertionError:
        raise ValueError("probability") from None
    sides = 2**40
    device = generator.device if generator else y.device
    coins = torch.randint(sides, (len(y),), generator=generator, device=device)
    nulls = torch.zeros_like(y) + null_class
    return torch.where(coins.to(y.device) >= int(drop_prob * sides), y, nulls)
