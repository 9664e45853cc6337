"use strict";
(() => {
  const find = (id) => document.getElementById(id);
  const { scales, times, height, width, sample, end, read, curve } = JSON.parse(find("walks").textContent);
  const form = find("controls");
  const GAP = Math.max(1, Math.round(width / 14));

  // The sheets of a digit hold its images one below the other: by noise, then time, then scale.
  const sheets = new Map();
  function sheet(addresses, digit) {
    const address = addresses[digit];
    if (!sheets.has(address)) {
      const image = new Image();
      image.onload = draw;
      image.src = address;
      sheets.set(address, image);
    }
    const image = sheets.get(address);
    return image.complete && image.naturalWidth ? image : null;
  }

  function state() {
    return {
      digit: +form.elements.digit.value,
      noise: +form.elements.noise.value,
      scale: +form.elements.scale.value,
      time: +form.elements.time.value,
    };
  }

  /** Draw some images of a sheet side by side; chosen: the one that a bar below it marks, if any. */
  function show(canvas, image, noise, moments, chosen) {
    const bar = chosen === undefined ? 0 : 2 * GAP;
    canvas.width = moments.length * (width + GAP) - GAP;
    canvas.height = height + bar;
    if (!image) return;
    const context = canvas.getContext("2d");
    moments.forEach(([time, scale], i) => {
      const place = (noise * times.length + time) * scales.length + scale;
      const x = i * (width + GAP);
      context.drawImage(image, 0, place * height, width, height, x, 0, width, height);
      if (i === chosen) context.fillRect(x, height + GAP, width, GAP);
    });
  }

  function draw() {
    const { digit, noise, scale, time } = state();
    const samples = sheet(sample, digit);
    const here = [[time, scale]];
    show(find("sample"), samples, noise, here);
    show(find("end"), sheet(end, digit), noise, here);
    show(find("path"), samples, noise, times.map((_, i) => [i, scale]), time);
    show(find("dial"), samples, noise, scales.map((_, i) => [time, i]), scale);
    tell(digit, noise, scale, time);
    if (curve) mark(curve[scale]);
  }

  function tell(digit, noise, scale, time) {
    const w = `w = ${scales[scale]}`;
    const t = `t = ${+times[time].toFixed(2)}`;
    const result = read[digit][noise][scale];
    const asked = scales[scale] === 0 ? "asked for any digit" : `asked for a ${digit}`;
    const seen = look(times[time], result);
    for (const [name, text] of [["scale", w], ["time", t]]) {
      find(`${name}-now`).textContent = text;
      find(name).setAttribute("aria-valuetext", text);
    }
    find("said").textContent = `Noise ${noise + 1}, ${asked}, ${w}, ${t}: ${seen}.`;
    find("sample").setAttribute("aria-label", `The sample: ${seen}.`);
    find("end").setAttribute("aria-label", heading(times[time], result));
    find("path").setAttribute("aria-label",
      `${times.length} images, from pure noise to a handwritten digit that is read as ${result}.`);
    find("dial").setAttribute("aria-label",
      `The sample at ${t} at ${scales.length} scales; finished, they are read as ${read[digit][noise].join(", ")}.`);
  }

  function look(t, result) {
    if (t === 1) return "pure noise, nothing to be seen yet";
    if (t > 0.6) return "noise, with a faint lightness where nothing will be drawn";
    if (t > 0.3) return "strokes begin to show through the noise";
    if (t > 0) return `a digit under a little noise, on its way to a ${result}`;
    return `a finished digit, which is read as ${result}`;
  }

  function heading(t, result) {
    if (t > 0.8) return "Where it is heading: a grey blur, the mean of all that it can still become.";
    if (t > 0.3) return `Where it is heading: a blurred digit, on its way to a ${result}.`;
    return `Where it is heading: a digit that is read as ${result}.`;
  }

  function mark({ fidelity, diversity, moves }) {
    for (const [id, [x, y]] of Object.entries(moves)) find(id).setAttribute("transform", `translate(${x} ${y})`);
    find("measured-now").textContent =
      `${find("scale-now").textContent}: ${Math.round(100 * fidelity)}% read as asked, diversity ${diversity.toFixed(2)}`;
  }

  // The walk: one time after another, at a pace that one can follow.
  let walking = 0;
  function stop() {
    clearInterval(walking);
    walking = 0;
  }
  find("walk").addEventListener("click", () => {
    stop();
    form.elements.time.value = 0;
    draw();
    walking = setInterval(() => {
      form.elements.time.value = +form.elements.time.value + 1;
      draw();
      if (+form.elements.time.value === times.length - 1) stop();
    }, 200);
  });
  form.addEventListener("input", () => {
    stop();
    draw();
  });
  form.addEventListener("submit", (event) => event.preventDefault());

  // An address such as #digit=7&noise=2&scale=4&t=0.5 chooses what is shown.
  function nearest(values, wanted) {
    return values.reduce((best, v, i) => (Math.abs(v - wanted) < Math.abs(values[best] - wanted) ? i : best), 0);
  }
  function choose() {
    const asked = new URLSearchParams(location.hash.slice(1));
    const number = (name, use) => {
      const value = parseFloat(asked.get(name));
      if (Number.isFinite(value)) use(value);
    };
    const check = (name, i) => {
      const radio = form.elements[name][i];
      if (radio) radio.checked = true;
    };
    number("digit", (v) => check("digit", v));
    number("noise", (v) => check("noise", v - 1));
    number("scale", (v) => (form.elements.scale.value = nearest(scales, v)));
    number("t", (v) => (form.elements.time.value = nearest(times, v)));
    draw();
  }
  addEventListener("hashchange", choose);
  form.elements.scale.value = nearest(scales, 4);
  choose();
})();
