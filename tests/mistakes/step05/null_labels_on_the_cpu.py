"""The null labels are made on the CPU: on a GPU, None fails while labels work.

Seen in: our own thinking; device=x.device left out
Caught by: test_model_runs_where_its_weights_are
"""


class ConditionalDiT(ConditionalDiT):
    def forward(self, x, t, y=None):
        if y is None:
            y = torch.full((x.shape[0],), self.null_class)
        return self.velocity(x, combine(self.time_embed(t), self.class_embed(y)))
