"""Images are converted to the dtype of the times before the model sees them: the velocity comes
back in another dtype.

Seen in: our own thinking; one .to() too many against a dtype error
Caught by: test_dtypes_of_images_times_and_labels
"""


def guided_velocity(model, x, t, y, scale, null_class):
    x = x.to(t.dtype)
    null = torch.full_like(y, null_class)
    if not isinstance(scale, Tensor) and scale in (0, 1):
        return model(x, t, y if scale == 1 else null)
    both = model(torch.cat([x, x]), torch.cat([t, t]), torch.cat([null, y]))
    v_uncond, v_cond = both.chunk(2)
    return guide(v_uncond, v_cond, scale)
