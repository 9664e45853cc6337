"""y has no default: a sampler that calls model(x, t) cannot use it.

Seen in: our own thinking
Caught by: test_none_is_the_null_class
Crashes: TypeError: y is missing
"""


class ConditionalDiT(ConditionalDiT):
    def forward(self, x, t, y):
        if y is None:
            y = torch.full((x.shape[0],), self.null_class, device=x.device)
        return self.velocity(x, combine(self.time_embed(t), self.class_embed(y)))
