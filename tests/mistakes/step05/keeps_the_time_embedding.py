"""h_t is kept and used again while t is the same, although the weights have changed.

Seen in: our own thinking; a cache for the two evaluations of guidance
Caught by: test_weights_of_now_are_used
"""


class ConditionalDiT(ConditionalDiT):
    def forward(self, x, t, y=None):
        if y is None:
            y = torch.full((x.shape[0],), self.null_class, device=x.device)
        if torch.is_grad_enabled():
            h_t = self.time_embed(t)
        else:
            key = tuple(t.tolist())
            if getattr(self, "_key", None) != key:
                self._key, self._h_t = key, self.time_embed(t)
            h_t = self._h_t.to(x)
        return self.velocity(x, combine(h_t, self.class_embed(y)))
