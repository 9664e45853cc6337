"""Negative labels are taken for null, although the null class is K.

Seen in: datasets that mark "unlabelled" by -1; our own thinking
Caught by: test_labels_that_do_not_exist_are_refused
"""


class ConditionalDiT(ConditionalDiT):
    def forward(self, x, t, y=None):
        if y is None:
            y = torch.full((x.shape[0],), self.null_class, device=x.device)
        y = torch.where(y < 0, self.null_class, y)
        return self.velocity(x, combine(self.time_embed(t), self.class_embed(y)))
