"""A small number is added to the condition, "for stability".

Seen in: our own thinking; eps where nothing is divided
Caught by: test_condition_is_summed_in_full_precision
"""


class ConditionalDiT(ConditionalDiT):
    def velocity(self, x, c):
        return super().velocity(x, c + 1e-8)
