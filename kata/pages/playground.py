"""The playground: samples computed beforehand, and controls that choose among them. A part of a page."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kata.figures.curve import Curve
from kata.figures.sprites import sheet

STYLE = Path(__file__).with_name("playground.css").read_text(encoding="utf-8")
_SCRIPT = Path(__file__).with_name("playground.js").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Walks:
    """Samples on their way from noise to image.

    points, ends: `(digits, noises, times, scales, H, W)`, pixels in [-1, 1] and beyond: the samples, and the images
    that their velocities point to; read: int `(digits, noises, scales)`, as what each finished sample is read; times
    fall from 1 to 0.
    """

    scales: Sequence[float]
    times: Sequence[float]
    points: np.ndarray
    ends: np.ndarray
    read: np.ndarray


def section(walks: Walks, curve: Curve | None) -> str:
    """The playground as HTML, script and pictures inside; the page needs STYLE too. curve: None leaves it out."""
    digits, noises, times, scales, height, width = walks.points.shape
    data = {
        "scales": list(walks.scales),
        "times": [round(t, 4) for t in walks.times],
        "height": height,
        "width": width,
        "sample": [_address(images) for images in walks.points],
        "end": [_address(images) for images in walks.ends],
        "read": walks.read.tolist(),
        "curve": [curve.at(scale) for scale in walks.scales] if curve else None,
    }
    drawing = (
        f'<figure class="measure">{curve.svg()}\n<figcaption><p id="measured-now"></p>'
        f"<p>{curve.samples} samples a scale, read by a classifier; dashed: real, held-out digits.</p>"
        "</figcaption></figure>"
        if curve
        else '<p class="measure">This checkpoint came without measurements, so no curve stands here: '
        "<code>kata evaluate</code> makes them.</p>"
    )
    return f"""<section class="playground" aria-labelledby="playground">
<h2 id="playground">Playground</h2>
<p>Choose a digit and a noise, then move the guidance scale and the time: the noise walks along the guided velocity
until it is a digit. Everything was computed beforehand; the arrow keys work on all of it.</p>
<noscript><p>The playground needs JavaScript; the figures below do not.</p></noscript>
<form id="controls">
<div class="choices">
{_radios("digit", "Digit", digits, 0, 7)}
{_radios("noise", "Noise", noises, 1, 1)}
</div>
<div class="stage">
<figure><canvas id="sample" role="img" width="{width}" height="{height}"></canvas>
<figcaption>The sample at this time</figcaption></figure>
<figure><canvas id="end" role="img" width="{width}" height="{height}"></canvas>
<figcaption>Where it is heading</figcaption></figure>
<p id="said" role="status"></p>
{drawing}
</div>
<div class="sliders">
{_slider("scale", "Guidance scale", scales)}
{_slider("time", "Time", times)}
<button type="button" id="walk">Walk from noise to digit</button>
</div>
<div class="strips">
<figure><canvas id="path" role="img"></canvas><figcaption>The whole way at this scale, from noise on the left to digit
</figcaption></figure>
<figure><canvas id="dial" role="img"></canvas><figcaption>This moment at every scale, from w = {walks.scales[0]:g} to
{walks.scales[-1]:g}</figcaption></figure>
</div>
</form>
<script type="application/json" id="walks">{json.dumps(data, separators=(",", ":"))}</script>
<script>{_SCRIPT}</script>
</section>"""


def _radios(name: str, title: str, count: int, first: int, chosen: int) -> str:
    options = "".join(
        f'<label><input type="radio" name="{name}" value="{i}"{" checked" if i + first == chosen else ""}>'
        f"<span>{i + first}</span></label>"
        for i in range(count)
    )
    return f"<fieldset><legend>{title}</legend><div>{options}</div></fieldset>"


def _slider(name: str, title: str, count: int) -> str:
    return (
        f'<div><label for="{name}">{title}</label> <output id="{name}-now" for="{name}"></output>\n'
        f'<input type="range" id="{name}" min="0" max="{count - 1}" step="1" value="{count - 1}"></div>'
    )


def _address(images: np.ndarray) -> str:
    """A sheet of images `(..., H, W)`, in the order of their indices, as a data URI."""
    content = sheet(images.reshape(-1, *images.shape[-2:]))
    return "data:image/png;base64," + base64.b64encode(content).decode("ascii")
