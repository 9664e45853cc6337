"""The condition is summed in single precision, also in a model of double precision.

Seen in: our own thinking; .float() left over from mixed precision
Caught by: test_condition_is_summed_in_full_precision
"""


class ConditionalDiT(ConditionalDiT):
    def forward(self, x, t, y=None):
        if y is None:
            y = torch.full((x.shape[0],), self.null_class, device=x.device)
        h_t, h_y = self.time_embed(t), self.class_embed(y)
        return self.velocity(x, combine(h_t.float(), h_y.float()).to(h_t.dtype))
