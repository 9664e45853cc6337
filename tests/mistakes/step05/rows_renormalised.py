"""The table is looked up with max_norm, which shortens long rows in place, in the weights.

Seen in: our own thinking; torch's own warning that max_norm changes the weight
Caught by: test_nothing_of_the_callers_is_changed
"""


class ConditionalDiT(ConditionalDiT):
    def forward(self, x, t, y=None):
        if y is None:
            y = torch.full((x.shape[0],), self.null_class, device=x.device)
        rows = self.class_embed(y)
        with torch.no_grad():
            self.class_embed.embed.weight.renorm_(2, 0, 1.0)
        return self.velocity(x, combine(self.time_embed(t), rows))
