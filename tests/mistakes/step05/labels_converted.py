"""y.long() rounds labels of a floating dtype down instead of refusing them.

Seen in: pytorch#56577
Caught by: test_labels_that_do_not_exist_are_refused
"""


class ConditionalDiT(ConditionalDiT):
    def forward(self, x, t, y=None):
        if y is None:
            y = torch.full((x.shape[0],), self.null_class, device=x.device)
        return self.velocity(x, combine(self.time_embed(t), self.class_embed(y.long())))
