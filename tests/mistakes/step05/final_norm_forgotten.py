"""The stack was written again without the last layer norm.

Seen in: our own thinking
Caught by: test_velocity_is_that_of_the_dit_under_time_plus_class,
test_every_parameter_gets_a_gradient
"""


class ConditionalDiT(ConditionalDiT):
    def forward(self, x, t, y=None):
        if y is None:
            y = torch.full((x.shape[0],), self.null_class, device=x.device)
        c = combine(self.time_embed(t), self.class_embed(y))
        tokens = self.patch_embed(x) + self.positions
        for block in self.blocks:
            tokens = block(tokens, c)
        return self.unpatchify(self.head(tokens))
