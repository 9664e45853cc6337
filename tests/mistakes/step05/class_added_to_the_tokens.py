"""The class is added to the tokens instead of the condition: it can fade on its way.

Seen in: our own thinking
Caught by: test_velocity_is_that_of_the_dit_under_time_plus_class
"""


class ConditionalDiT(ConditionalDiT):
    def forward(self, x, t, y=None):
        if y is None:
            y = torch.full((x.shape[0],), self.null_class, device=x.device)
        tokens = self.patch_embed(x) + self.positions
        tokens = tokens + self.class_embed(y)[:, None, : tokens.shape[-1]]
        c = self.time_embed(t)
        for block in self.blocks:
            tokens = block(tokens, c)
        return self.unpatchify(self.head(self.norm(tokens)))
