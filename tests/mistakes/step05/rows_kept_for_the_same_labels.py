"""The looked-up rows are kept while y is the same tensor, although its labels may have changed.

Seen in: our own thinking; a cache for the steps of one sampling run
Caught by: test_weights_of_now_are_used
"""


class ConditionalDiT(ConditionalDiT):
    def forward(self, x, t, y=None):
        if y is None or torch.is_grad_enabled():
            return super().forward(x, t, y)
        key = (id(y), len(y), self.class_embed.embed.weight.sum().item())
        if getattr(self, "_key", None) != key:
            self._key, self._rows = key, self.class_embed(y)
        return self.velocity(x, combine(self.time_embed(t), self._rows))
