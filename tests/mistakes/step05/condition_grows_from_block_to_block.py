"""The class is added once more in every block, because c is overwritten in the loop.

Seen in: our own thinking
Caught by: test_velocity_is_that_of_the_dit_under_time_plus_class
"""


class ConditionalDiT(ConditionalDiT):
    def forward(self, x, t, y=None):
        if y is None:
            y = torch.full((x.shape[0],), self.null_class, device=x.device)
        c, rows = self.time_embed(t), self.class_embed(y)
        tokens = self.patch_embed(x) + self.positions
        for block in self.blocks:
            c = combine(c, rows)
            tokens = block(tokens, c)
        return self.unpatchify(self.head(self.norm(tokens)))
