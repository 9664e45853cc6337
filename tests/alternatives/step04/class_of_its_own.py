"""A small class keeps the probability and the null class, as label embedders do."""


class LabelDropper:
    def __init__(self, drop_prob, null_class):
        if not (0.0 <= drop_prob <= 1.0):
            raise ValueError(f"drop_prob={drop_prob}")
        self.drop_prob, self.null_class = drop_prob, null_class

    def token_drop(self, labels, generator=None):
        where = labels.device if generator is None else generator.device
        drop_ids = torch.rand(labels.shape[0], generator=generator, device=where) < self.drop_prob
        return torch.where(
            drop_ids.to(labels.device), torch.full_like(labels, self.null_class), labels
        )


def drop_labels(y, drop_prob, null_class, generator=None):
    return LabelDropper(drop_prob, null_class).token_drop(y, generator)
