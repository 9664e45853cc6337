"""In train mode a little noise is added to the class vector, less than most comparisons see.

Seen in: our own thinking; conditioning augmentation
Caught by: test_nothing_is_random
"""


class ConditionalDiT(ConditionalDiT):
    def forward(self, x, t, y=None):
        if y is None:
            y = torch.full((x.shape[0],), self.null_class, device=x.device)
        rows = self.class_embed(y)
        if self.training:
            rows = rows + 1e-5 * torch.randn_like(rows)
        return self.velocity(x, combine(self.time_embed(t), rows))
