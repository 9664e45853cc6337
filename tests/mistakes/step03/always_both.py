"""Both velocities are computed even at w = 0 and w = 1, where one of them is multiplied by zero:
twice the cost.

Seen in: MeanFlow#45 (as a question)
Caught by: test_cost_in_samples_evaluated
"""


def guided_velocity(model, x, t, y, scale, null_class):
    null = torch.full_like(y, null_class)
    both = model(torch.cat([x, x]), torch.cat([t, t]), torch.cat([null, y]))
    v_uncond, v_cond = both.chunk(2)
    return guide(v_uncond, v_cond, scale)
