"""torch.bernoulli says which labels stay; a clone is filled in by index; 0 and 1 need no draw."""


def drop_labels(y, drop_prob, null_class, generator=None):
    if not (drop_prob >= 0 and drop_prob <= 1):
        raise ValueError("drop_prob must be between 0 and 1")
    if drop_prob == 0:
        return y.clone()
    if drop_prob == 1:
        return torch.full_like(y, null_class)
    keep = torch.bernoulli(torch.full(y.shape, 1.0 - drop_prob), generator=generator).bool()
    labels = y.detach().clone()
    labels[(~keep).nonzero().flatten().to(y.device)] = null_class
    return labels
