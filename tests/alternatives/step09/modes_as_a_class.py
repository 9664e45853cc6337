"""An enumeration of modes that know their label and scale; the noise is drawn by its own state."""

from enum import Enum
from functools import partial


class _Mode(Enum):
    UNCONDITIONAL = "unconditional"
    CONDITIONAL = "conditional"
    GUIDED = "guided"

    def label(self, target, null):
        return null if self is _Mode.UNCONDITIONAL else target

    def scale(self, guidance):
        return guidance if self is _Mode.GUIDED else 1


def compare_modes(
    model,
    target_class=3,
    num_samples=16,
    cfg_scale=4.0,
    image_shape=(1, 28, 28),
    num_steps=50,
    num_classes=10,
    device=None,
    generator=None,
    noise=None,
):
    source = generator or torch.default_generator
    state = source.get_state()
    strips = {}
    for mode in _Mode:
        source.set_state(state)  # each mode draws the same noise
        draw = partial(sample_conditional, model, image_shape=image_shape, num_steps=num_steps)
        strips[mode.value] = draw(
            class_labels=num_samples * [mode.label(target_class, num_classes)],
            cfg_scale=mode.scale(cfg_scale),
            num_classes=num_classes,
            device=device,
            generator=generator,
            noise=noise,
        )
    return strips
