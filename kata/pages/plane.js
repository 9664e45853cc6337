"use strict";
(() => {
  const find = (id) => document.getElementById(id);
  const { scales, times, followed, points, unconditional, conditional } = JSON.parse(find("plane-data").textContent);
  const circles = [...find("points").children];
  const arrows = [...find("arrows").children];
  const scale = find("plane-scale");
  const time = find("plane-time");
  const LENGTH = 0.45; // of an arrow, as a share of the whole way that its velocity would lead
  const END = times.length - 1;

  /** Put a line from one place to another; hide it if it is too short to be seen. */
  function place(line, [x1, y1], [x2, y2], isShown) {
    for (const [name, value] of Object.entries({ x1, y1, x2, y2 })) line.setAttribute(name, value);
    line.setAttribute("visibility", isShown && Math.hypot(x2 - x1, y2 - y1) > 8 ? "visible" : "hidden");
  }

  function draw() {
    const s = +scale.value;
    const i = +time.value;
    const w = scales[s];
    points[s][i].forEach(([x, y], n) => {
      circles[n].setAttribute("cx", x);
      circles[n].setAttribute("cy", y);
    });
    followed.forEach((n, k) => {
      const here = points[s][i][n];
      const [u, c] = [unconditional[s][i][k], conditional[s][i][k]];
      const guided = u.map((v, axis) => v + w * (c[axis] - v));
      const tip = (velocity) => here.map((x, axis) => x - LENGTH * velocity[axis]);
      const isShown = i < END;
      const [through, ...kinds] = arrows.slice(4 * k, 4 * k + 4);
      place(through, tip(u), tip(w > 1 ? guided : c), isShown);
      [guided, c, u].forEach((velocity, kind) => place(kinds[kind], here, tip(velocity), isShown));
    });
    const t = +times[i].toFixed(2);
    for (const [input, text] of [[scale, `w = ${w}`], [time, `t = ${t}`]]) {
      find(`${input.id}-now`).textContent = text;
      input.setAttribute("aria-valuetext", text);
    }
    const said = `w = ${w}, t = ${t}: ${seen(w, times[i])}.`;
    find("plane-said").textContent = said;
    find("walkers").setAttribute("aria-label", said);
  }

  function seen(w, t) {
    if (t === 1) return "pure noise, one round cloud";
    if (t > 0) return "the cloud comes apart, and each point follows its guided arrow";
    if (w === 0) return "the label has no effect, and the points fill the wide cloud of all data";
    if (w < 1) return "the two classes still overlap with everything else";
    if (w === 1) return "two clouds, each as wide as its class";
    return "each cloud is narrower than its class: more faithful, and less diverse";
  }

  let walking = 0;
  function stop() {
    clearInterval(walking);
    walking = 0;
  }
  find("plane-walk").addEventListener("click", () => {
    stop();
    time.value = 0;
    draw();
    walking = setInterval(() => {
      time.value = +time.value + 1;
      draw();
      if (+time.value === END) stop();
    }, 80);
  });
  find("plane-controls").addEventListener("input", () => {
    stop();
    draw();
  });
  find("plane-controls").addEventListener("submit", (event) => event.preventDefault());
  draw();
})();
