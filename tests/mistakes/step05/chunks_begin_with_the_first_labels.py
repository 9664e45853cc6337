"""Large batches are cut into chunks of 64 images, and every chunk gets the labels of the first.

Seen in: our own thinking; chunks to save memory
Caught by: test_large_batches_are_like_small_ones
"""


class ConditionalDiT(ConditionalDiT):
    def forward(self, x, t, y=None):
        if y is None:
            y = torch.full((x.shape[0],), self.null_class, device=x.device)
        h_t, h_y = self.time_embed(t), self.class_embed(y)
        combine(h_t, h_y)  # compares the shapes
        parts = zip(x.split(64), h_t.split(64), strict=True)
        return torch.cat([self.velocity(a, combine(b, h_y[: len(b)])) for a, b in parts])
