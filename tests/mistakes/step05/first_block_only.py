"""Only the first block is steered by time and class, the others by the time alone.

Seen in: DiTTO-TTS#5
Caught by: test_velocity_is_that_of_the_dit_under_time_plus_class
"""


class ConditionalDiT(ConditionalDiT):
    def forward(self, x, t, y=None):
        if y is None:
            y = torch.full((x.shape[0],), self.null_class, device=x.device)
        h = self.time_embed(t)
        c = combine(h, self.class_embed(y))
        tokens = self.patch_embed(x) + self.positions
        for i, block in enumerate(self.blocks):
            tokens = block(tokens, c if i == 0 else h)
        return self.unpatchify(self.head(self.norm(tokens)))
