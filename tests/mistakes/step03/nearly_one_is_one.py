"""Scales near 0 and 1 are taken for 0 and 1, by a comparison with a tolerance.

Seen in: our own thinking; "never compare floats by ==", applied where it does not belong
Caught by: test_guided_velocity_mixes_the_models_two_answers, test_cost_in_samples_evaluated
"""

import math


def guided_velocity(model, x, t, y, scale, null_class):
    null = torch.full_like(y, null_class)
    if not isinstance(scale, Tensor):
        if math.isclose(scale, 1, abs_tol=0.01):
            return model(x, t, y)
        if math.isclose(scale, 0, abs_tol=0.01):
            return model(x, t, null)
    both = model(torch.cat([x, x]), torch.cat([t, t]), torch.cat([null, y]))
    v_uncond, v_cond = both.chunk(2)
    return guide(v_uncond, v_cond, scale)
