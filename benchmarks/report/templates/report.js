"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const read = (id) => JSON.parse(byId(id).textContent);
  const narrow = () => window.innerWidth < 640;
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  /* Before and after */
  const { uris, photographs, references } = read("slider-data");
  const clip = () => {
    const stage = byId("stage"), sheet = byId("sheet");
    const width = sheet.getBoundingClientRect().width || 1;
    const at = (stage.scrollLeft + (byId("slider").value / 100) * stage.clientWidth) / width * 100;
    byId("right-picture").style.clipPath = `inset(0 0 0 ${at}%)`;
    byId("edge").style.left = `${at}%`;
  };
  const show = () => {
    const pictures = photographs[byId("photograph").value].pictures;
    for (const side of ["left", "right"]) {
      const label = byId(side).value;
      byId(`${side}-picture`).src = uris[pictures[label]];
      byId(`${side}-picture`).alt = `${side}: ${label}`;
      byId(`${side}-tag`).textContent = label;
    }
    const same = pictures[byId("left").value] === pictures[byId("right").value];
    byId("same").textContent = same ? "Both pictures are the same in 8 bits." : "";
  };
  const fill = () => {
    const labels = Object.keys(photographs[byId("photograph").value].pictures);
    const wanted = { left: byId("left").value || "bicubic", right: byId("right").value || labels.find((label) => !references.includes(label)) };
    for (const side of ["left", "right"]) {
      byId(side).replaceChildren(...labels.map((label) => new Option(label, label)));
      byId(side).value = labels.includes(wanted[side]) ? wanted[side] : labels[side === "left" ? 0 : labels.length - 1];
    }
    show();
  };
  const zoom = () => {
    const stage = byId("stage"), factor = Number(byId("zoom").value), sheet = byId("sheet");
    const before = stage.scrollWidth || 1;
    const middle = [stage.scrollLeft + stage.clientWidth / 2, stage.scrollTop + stage.clientHeight / 2];
    stage.classList.toggle("zoomed", factor > 1);
    sheet.style.width = sheet.style.height = `${factor * 100}%`;
    const grown = stage.scrollWidth / before;
    stage.scrollTo(middle[0] * grown - stage.clientWidth / 2, middle[1] * grown - stage.clientHeight / 2);
    clip();
  };
  const drag = (event) => {
    const stage = byId("stage"), box = stage.getBoundingClientRect();
    if (!event.buttons || (event.pointerType === "touch" && stage.classList.contains("zoomed"))) return;
    const at = event.clientX - box.left;
    if (at > stage.clientWidth || event.clientY - box.top > stage.clientHeight) return;
    byId("slider").value = (at / stage.clientWidth) * 100;
    clip();
  };
  if (byId("slider") && photographs.length) {
    byId("photograph").addEventListener("change", fill);
    for (const side of ["left", "right"]) byId(side).addEventListener("change", show);
    byId("left-picture").addEventListener("load", (event) => {
      byId("stage").style.aspectRatio = `${event.target.naturalWidth} / ${event.target.naturalHeight}`;
      clip();
    });
    byId("zoom").addEventListener("change", zoom);
    byId("slider").addEventListener("input", clip);
    byId("stage").addEventListener("scroll", clip);
    byId("stage").addEventListener("pointerdown", drag);
    byId("stage").addEventListener("pointermove", drag);
    window.addEventListener("resize", clip);
    fill();
    clip();
  }

  /* Plots */
  const plots = read("plot-data");
  const themed = (figure) => {
    const { data, layout } = structuredClone(figure);
    const ink = colour("--ink"), line = colour("--line");
    for (const trace of data) if (trace.marker?.line?.color === "ink") trace.marker.line.color = ink;
    for (const name of ["xaxis", "yaxis", ...(layout.yaxis2 ? ["yaxis2"] : [])]) {
      layout[name] = { gridcolor: line, zerolinecolor: line, linecolor: line, automargin: true, ...layout[name] };
    }
    const phone = narrow();
    return {
      data,
      layout: {
        ...layout, height: phone ? figure.height_phone : figure.height, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
        font: { color: ink, family: "system-ui, sans-serif", size: phone ? 11 : 13 }, margin: { l: 50, r: 12, t: 12, b: 48 },
        dragmode: phone ? false : "zoom",
        hoverlabel: { bgcolor: colour("--panel"), bordercolor: line, font: { color: ink } },
      },
    };
  };
  const draw = (id) => {
    const { data, layout } = themed(plots[id]);
    Plotly.react(id, data, layout, { displayModeBar: false, displaylogo: false, responsive: true });
  };
  const ids = Object.keys(plots);
  const drawn = new Set();
  const redraw = () => drawn.forEach(draw);
  const drawOnce = (id) => {
    if (drawn.has(id) || byId(id).closest("figure").hidden) return;
    drawn.add(id);
    draw(id);
  };
  for (const id of ids) {
    byId(id).style.minHeight = `${narrow() ? plots[id].height_phone : plots[id].height}px`;
  }
  for (const chooser of document.querySelectorAll(".choose-plot")) {
    chooser.addEventListener("change", () => {
      for (const option of chooser.options) byId(option.value).closest("figure").hidden = option.value !== chooser.value;
      if (typeof Plotly !== "undefined") drawOnce(chooser.value);
    });
  }
  /* The library is read after the page has been painted, and a plot drawn when it comes near. */
  const start = () => {
    const library = document.createElement("script");
    library.textContent = byId("plotly-source").textContent;
    document.head.append(library);
    const near = new IntersectionObserver(
      (entries) => entries.filter((entry) => entry.isIntersecting).forEach((entry) => drawOnce(entry.target.id)),
      { rootMargin: "400px" },
    );
    ids.forEach((id) => near.observe(byId(id)));
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
    window.matchMedia("(max-width: 639px)").addEventListener("change", redraw);
    window.addEventListener("beforeprint", () => ids.forEach(drawOnce));
  };
  if (ids.length) requestAnimationFrame(() => setTimeout(start));
})();
