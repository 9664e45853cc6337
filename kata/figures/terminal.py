"""Images as text: two pixels per character, one above the other."""

import numpy as np
from rich.color import Color
from rich.style import Style
from rich.text import Text

BETWEEN = 1
SMALLEST = 16
"""Images are not made narrower than this to stand side by side; only to fit at all."""

INK_CHARACTERS = " .:-=+*#%@"
"""From paper to ink, for terminals without colours."""


def images_as_text(images: np.ndarray, width: int, colours: bool) -> list[Text]:
    """Return images `(N, H, W)` in [-1, 1] as lines of at most `width` characters, light on dark.

    colours: grey half blocks, else plain characters. The images have full size if they fit side by
    side. Otherwise they are halved as often as needed, and wrapped into several rows.
    """
    shades = (np.clip(images, -1, 1) + 1) / 2
    while _too_wide(shades, width):
        shades = _halved(shades)
    across = max(1, (width + BETWEEN) // (shades.shape[2] + BETWEEN))
    lines: list[Text] = []
    for first in range(0, len(shades), across):
        if lines:
            lines.append(Text())
        lines += _row(shades[first : first + across], colours)
    return lines


def _too_wide(shades: np.ndarray, width: int) -> bool:
    count, _, across = shades.shape
    if across > width:
        return True
    return across > SMALLEST and count * (across + BETWEEN) - BETWEEN > width


def _halved(shades: np.ndarray) -> np.ndarray:
    """Replace each 2 x 2 pixels by their mean."""
    count, height, width = shades.shape
    whole = shades[:, : height // 2 * 2, : width // 2 * 2]
    halved: np.ndarray = whole.reshape(count, height // 2, 2, width // 2, 2).mean(axis=(2, 4))
    return halved


def _row(shades: np.ndarray, colours: bool) -> list[Text]:
    """Images side by side."""
    if shades.shape[1] % 2:
        shades = np.pad(shades, ((0, 0), (0, 1), (0, 0)))
    lines = []
    for top in range(0, shades.shape[1], 2):
        line = Text(no_wrap=True)
        for number, image in enumerate(shades):
            line.append(" " * BETWEEN if number else "")
            for upper, lower in image[top : top + 2].T:
                if colours:
                    line.append("▀", Style(color=_grey(upper), bgcolor=_grey(lower)))
                else:
                    line.append(
                        INK_CHARACTERS[round((upper + lower) / 2 * (len(INK_CHARACTERS) - 1))]
                    )
        lines.append(line)
    return lines


def _grey(shade: float) -> Color:
    level = round(255 * float(shade))
    return Color.from_rgb(level, level, level)
