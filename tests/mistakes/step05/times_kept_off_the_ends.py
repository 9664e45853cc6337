"""t is clamped to [0.005, 0.995], although sampling begins at 1 and a model is asked at 0, too.

Seen in: our own thinking; rules that divide by t or by 1 - t do so
Caught by: test_time_matters_with_and_without_a_label
"""


class ConditionalDiT(ConditionalDiT):
    def forward(self, x, t, y=None):
        if y is None:
            y = torch.full((x.shape[0],), self.null_class, device=x.device)
        h_t = self.time_embed(t.clamp(0.005, 0.995))
        return self.velocity(x, combine(h_t, self.class_embed(y)))
