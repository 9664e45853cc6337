"""Without a generator, every second call uses the coins of the call before, moved on by one place.

Seen in: our own thinking; a store of random numbers that is meant to save time
Caught by: test_every_call_draws_anew
"""

_last = []


def drop_labels(y, drop_prob, null_class, generator=None):
    if not 0 <= drop_prob <= 1:
        raise ValueError("drop_prob")
    device = y.device if generator is None else generator.device
    coins = torch.rand(y.shape, generator=generator, device=device)
    if generator is None:
        if _last and _last[0].shape == coins.shape:
            coins = _last.pop().to(coins.device).roll(1)
        else:
            _last[:] = [coins]
    return y.masked_fill((coins < drop_prob).to(y.device), null_class)
