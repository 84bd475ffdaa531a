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
function thinned(points) {
  if (points.length <= 2 * GRAPH_POINTS) return points;
  const out = [], step = points.length / GRAPH_POINTS;
  for (let i = 0; i < GRAPH_POINTS; i++) {
    const some = points.slice(Math.floor(i * step), Math.floor((i + 1) * step));
    const low = some.reduce((a, b) => b[1] < a[1] ? b : a), high = some.reduce((a, b) => b[1] > a[1] ? b : a);
    out.push(...(low === high ? [low] : low[0] < high[0] ? [low, high] : [high, low]));
  }
  return out;
}

class Graphs {
  constructor(page, parent) { Object.assign(this, { page, parent, cursors: [] }); }

  // Values of all layers, as `put` takes them.
  static of(layers) {
    const values = Object.fromEntries(GRAPHS.map(([key]) => [key, layers.map(layer => layer[key] ?? null)]));
    return { layers: layers.map((_, k) => k), values };
  }

  // Draws values of some layers: {layers: [k], values: {key: [value or null]}}.
  put({ layers, values }) {
    this.cursors = [];
    this.parent.replaceChildren();
    for (const [key, name, unit, factor] of GRAPHS) {
      const points = (values[key] || []).flatMap((value, i) => value === null ? [] : [[layers[i], value * factor]]);
      if (!points.length || (!points.some(([, value]) => value > 0) && key !== "area_um2")) continue;
      this.parent.append(this.graph(points, `${name}${unit ? ` [${unit}]` : ""}`, this.page.n));
    }
    this.point(this.page.state.layer);
  }

  graph(values, name, n) {
    const width = 660, height = 150, box = { left: 62, right: 652, top: 24, bottom: 126 };
    const most = values.reduce((m, [, v]) => Math.max(m, v), 1e-12), step = niceStep(most, 3), top = Math.ceil(most / step - 1e-9) * step;
    const x = k => box.left + (k + 0.5) / n * (box.right - box.left), y = v => box.bottom - v / top * (box.bottom - box.top);
    const drawing = svg("svg", { viewBox: `0 0 ${width} ${height}` });
    for (let v = 0; v <= top + 1e-9; v += step) {
      drawing.append(svg("line", { class: "axis", x1: box.left, x2: box.right, y1: y(v), y2: y(v) }));
      drawing.append(svg("text", { x: box.left - 6, y: y(v) + 4, "text-anchor": "end" }, shown(v, 4)));
    }
    for (let k = 0, ticks = Math.max(1, niceStep(n, 10)); k < n; k += ticks) drawing.append(svg("text", { x: x(k), y: box.bottom + 16, "text-anchor": "middle" }, k));
    drawing.append(svg("text", { class: "title", x: box.left, y: 13 }, name));
    drawing.append(svg("path", { class: "curve", d: thinned(values).map(([k, v], i) => `${i ? "L" : "M"}${x(k).toFixed(2)} ${y(v).toFixed(2)}`).join("") }));
    const cursor = svg("line", { class: "cursor", y1: box.top, y2: box.bottom }), text = svg("text", { x: box.right, y: 13, "text-anchor": "end" });
    drawing.append(cursor, text);
    const known = new Map(values);
    this.cursors.push(k => {
      cursor.setAttribute("x1", x(k)); cursor.setAttribute("x2", x(k));
      text.textContent = known.has(k) ? `layer ${k}: ${shown(known.get(k))}` : `layer ${k}`;
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
