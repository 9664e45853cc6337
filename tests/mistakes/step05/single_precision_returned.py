"""The velocity is always float32, also that of a model in bfloat16 or float64.

Seen in: our own thinking; .float() at the end, as mixed precision has it
Caught by: test_velocity_has_the_dtype_of_the_model
"""


class ConditionalDiT(ConditionalDiT):
    def forward(self, x, t, y=None):
        return super().forward(x, t, y).float()
