// Graphs over the layers, as SVG: a click goes to the layer.

const SVG = "http://www.w3.org/2000/svg";
const GRAPHS = [  // key of a layer, name, unit, factor
  ["area_um2", "Area", "mm²", 1e-6],
  ["dose", "White dose of the layer", "mJ/cm²", 1],
  ["time_s", "Time, motion included", "s", 1],
  ["peel_n", "Peel force, indicative", "N", 1],
  ["components", "Pieces", "", 1],
  ["islands", "Islands", "", 1],
  ["overhang_um2", "Overhang", "mm²", 1e-6],
  ["sealed_um2", "Sealed against the window", "mm²", 1e-6],
  ["perimeter_um", "Perimeter", "mm", 1e-3],
];
const GRAPH_POINTS = 1200;

function svg(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

// Least and most of so many neighbours at a time, so that no peak is lost.
function thinned(values) {
  if (values.length <= 2 * GRAPH_POINTS) return values.map((value, k) => [k, value]);
  const out = [], step = values.length / GRAPH_POINTS;
  for (let i = 0; i < GRAPH_POINTS; i++) {
    let low = Math.floor(i * step), high = low;
    for (let k = low + 1; k < Math.floor((i + 1) * step); k++) { if (values[k] < values[low]) low = k; if (values[k] > values[high]) high = k; }
    out.push(...[...new Set([low, high])].sort((a, b) => a - b).map(k => [k, values[k]]));
  }
  return out;
}

class Graphs {
  constructor(page, parent) {
    this.page = page;
    this.cursors = [];
    const layers = page.facts.layers, n = layers.length;
    for (const [key, name, unit, factor] of GRAPHS) {
      const values = layers.map(layer => key === "dose" ? this.dose(layer) : layer[key] ?? null);
      const known = values.filter(value => value !== null);
      if (!known.length || (!known.some(value => value > 0) && key !== "area_um2")) continue;
      parent.append(this.graph(values.map(value => (value ?? 0) * factor), `${name}${unit ? ` [${unit}]` : ""}`, n));
    }
  }

  dose(layer) {
    if (!this.page.doses.known) return null;
    return layer.exposures.reduce((sum, e) => (e.engine || 0) === 0 && e.white !== null ? sum + e.white : sum, 0);
  }

  graph(values, name, n) {
    const width = 660, height = 150, box = { left: 62, right: 652, top: 24, bottom: 126 };
    const most = Math.max(...values.reduce((m, v) => [Math.max(m[0], v)], [0]), 1e-12), step = niceStep(most, 3), top = Math.ceil(most / step - 1e-9) * step;
    const x = k => box.left + (k + 0.5) / n * (box.right - box.left), y = v => box.bottom - v / top * (box.bottom - box.top);
    const drawing = svg("svg", { viewBox: `0 0 ${width} ${height}` });
    for (let v = 0; v <= top + 1e-9; v += step) {
      drawing.append(svg("line", { class: "axis", x1: box.left, x2: box.right, y1: y(v), y2: y(v) }));
      drawing.append(svg("text", { x: box.left - 6, y: y(v) + 4, "text-anchor": "end" }, shown(v, 4)));
    }
    const ticks = niceStep(n, 10);
    for (let k = 0; k < n; k += Math.max(1, ticks)) drawing.append(svg("text", { x: x(k), y: box.bottom + 16, "text-anchor": "middle" }, k));
    drawing.append(svg("text", { class: "title", x: box.left, y: 13 }, name));
    const points = thinned(values);
    drawing.append(svg("path", { class: "curve", d: points.map(([k, v], i) => `${i ? "L" : "M"}${x(k).toFixed(2)} ${y(v).toFixed(2)}`).join("") }));
    const cursor = svg("line", { class: "cursor", y1: box.top, y2: box.bottom }), text = svg("text", { x: box.right, y: 13, "text-anchor": "end" });
    drawing.append(cursor, text);
    this.cursors.push(k => {
      cursor.setAttribute("x1", x(k)); cursor.setAttribute("x2", x(k));
      text.textContent = `layer ${k}: ${shown(values[k])}`;
    });
    drawing.addEventListener("click", event => {
      const bounds = drawing.getBoundingClientRect(), at = (event.clientX - bounds.left) / bounds.width * width;
      this.page.setLayer(Math.floor((at - box.left) / (box.right - box.left) * n));
    });
    const made = element("div", null, "graph");
    made.append(drawing);
    return made;
  }

  point(k) { for (const cursor of this.cursors) cursor(k); }
}
