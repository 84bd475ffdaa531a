// The picture of a layer: frame, dose or predicted cure, with axes, a scale bar and a legend; zoom, move, read-out.

const MARGIN = { left: 58, right: 8, top: 8, bottom: 40 };  // of axes, in px of the page
const FRAME_MS = 14;  // a little less than a frame of the screen
const FONT = '12px system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif';

function element(name, text, kind) {
  const made = document.createElement(name);
  if (text !== undefined && text !== null) made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

function niceStep(range, ticks) {
  const rough = range / ticks, power = 10 ** Math.floor(Math.log10(rough));
  return power * [1, 2, 5, 10].find(n => n * power >= rough);
}

// Numbers as people write them: so many significant digits, no exponents where they are not needed.
function shown(value, digits = 5) {
  if (value === null || value === undefined) return "not known";
  return String(Number(value.toPrecision(digits)));
}

function unitOf(range_um) { return range_um >= 2000 ? { name: "mm", um: 1000 } : { name: "µm", um: 1 }; }

// A canvas as many device pixels wide and high as it is on the screen; its context draws in px of the page.
function prepared(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const width = Math.max(1, canvas.clientWidth), height = Math.max(1, canvas.clientHeight);
  const w = Math.round(width * ratio), h = Math.round(height * ratio);
  if (canvas.width !== w || canvas.height !== h) { canvas.width = w; canvas.height = h; }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.font = FONT;
  return { context, ratio, width, height };
}

// Axes around a rectangle of a picture that shows x0..x1 (to the right) and y0..y1 (upward) [µm].
function drawAxes(context, box, range, names) {
  context.font = FONT;
  context.fillStyle = context.strokeStyle = "#5d6873";
  context.lineWidth = 1;
  context.strokeRect(box.left - 0.5, box.top - 0.5, box.width + 1, box.height + 1);
  const unit = unitOf(Math.max(range.x1 - range.x0, range.y1 - range.y0));
  const draw = (low, high, length, ticks, put) => {
    const step = niceStep((high - low) / unit.um, ticks);
    for (let n = Math.ceil(low / unit.um / step); n * step <= high / unit.um + 1e-9; n++)
      put((n * step * unit.um - low) / (high - low) * length, shown(n * step, 8));
  };
  context.textAlign = "center"; context.textBaseline = "top";
  draw(range.x0, range.x1, box.width, Math.max(2, box.width / 90), (at, text) => {
    context.fillRect(box.left + at, box.top + box.height, 1, 4);
    context.fillText(text, box.left + at, box.top + box.height + 6);
  });
  context.fillText(`${names.x} [${unit.name}]`, box.left + box.width / 2, box.top + box.height + 22);
  context.textAlign = "right"; context.textBaseline = "middle";
  draw(range.y0, range.y1, box.height, Math.max(2, box.height / 60), (at, text) => {
    context.fillRect(box.left - 4, box.top + box.height - at, 4, 1);
    context.fillText(text, box.left - 7, box.top + box.height - at);
  });
  context.save();
  context.translate(10, box.top + box.height / 2);
  context.rotate(-Math.PI / 2);
  context.textAlign = "center"; context.textBaseline = "middle";
  context.fillText(`${names.y} [${unit.name}]`, 0, 0);
  context.restore();
}

// A bar of a round length in the lower right corner of a rectangle.
function drawScaleBar(context, box, um_per_px) {
  const length_um = niceStep(box.width * um_per_px, 6), length = length_um / um_per_px, unit = unitOf(2 * length_um);
  const x = box.left + box.width - length - 12, y = box.top + box.height - 12;
  context.font = FONT;
  const text = `${shown(length_um / unit.um)} ${unit.name}`;
  context.fillStyle = "rgba(20,22,26,0.72)";
  context.fillRect(x - 7, y - 22, length + 14, 29);
  context.fillStyle = "#fff";
  context.fillRect(x, y - 2, length, 3);
  context.textAlign = "center"; context.textBaseline = "bottom";
  context.fillText(text, x + length / 2, y - 4);
}

// A bar of colours with the numbers at its ends, or patches with their names.
function drawLegend(canvas, legend) {
  const { context, width, height } = prepared(canvas);
  context.clearRect(0, 0, width, height);
  context.textBaseline = "middle";
  context.textAlign = "left";
  if (legend.patches) {
    let x = MARGIN.left;
    for (const [rgb, name] of legend.patches) {
      context.fillStyle = `rgb(${rgb.join(",")})`;
      context.fillRect(x, 12, 16, 14);
      context.strokeStyle = "#8b959e"; context.strokeRect(x + 0.5, 12.5, 15, 13);
      context.fillStyle = "#1c2126";
      context.fillText(name, x + 22, 20);
      x += 40 + context.measureText(name).width;
    }
    return;
  }
  const left = MARGIN.left, bar = Math.min(360, width - left - 180);
  for (let i = 0; i < bar; i++) {
    const c = legend.palette[Math.round(255 * i / Math.max(bar - 1, 1))];
    context.fillStyle = `rgb(${c & 255},${c >> 8 & 255},${c >> 16 & 255})`;
    context.fillRect(left + i, 6, 1.5, 12);
  }
  context.strokeStyle = "#8b959e"; context.strokeRect(left + 0.5, 6.5, bar - 1, 11);
  context.fillStyle = "#1c2126";
  context.fillText(legend.name, left + bar + 12, 12);
  context.textBaseline = "top"; context.textAlign = "center";
  for (const [part, text] of legend.ticks) { context.fillRect(left + part * (bar - 1), 18, 1, 4); context.fillText(text, left + part * (bar - 1), 23); }
}

class LayerView {
  constructor(page, canvas, legend) {
    Object.assign(this, { page, canvas, legend, drawn: 0, asked: false, begun: 0, image: null });
    this.centre = [0, 0];
    this.um_per_px = 1;
    canvas.addEventListener("wheel", event => { event.preventDefault(); this.zoom(Math.exp(event.deltaY * 0.0015), event); }, { passive: false });
    canvas.addEventListener("pointerdown", event => { this.drag = [event.clientX, event.clientY, ...this.centre]; canvas.setPointerCapture(event.pointerId); });
    canvas.addEventListener("pointerup", () => { this.drag = null; });
    canvas.addEventListener("pointermove", event => this.moved(event));
    new ResizeObserver(() => this.resized()).observe(canvas);
  }

  get box() {
    return {
      left: MARGIN.left, top: MARGIN.top,
      width: Math.max(40, this.canvas.clientWidth - MARGIN.left - MARGIN.right), height: Math.max(40, this.canvas.clientHeight - MARGIN.top - MARGIN.bottom),
    };
  }

  get range() {
    const { width, height } = this.box, [x, y] = this.centre, half = 0.5 * this.um_per_px;
    return { x0: x - half * width, x1: x + half * width, y0: y - half * height, y1: y + half * height };
  }

  // What was shown as large as it fits stays so, until somebody zooms or moves.
  resized() { if (this.fitted) this.show(...this.fitted); else this.ask(); }

  // Shows a rectangle [µm] as large as it fits.
  show(x0, y0, x1, y1, room = 1.04) {
    this.fitted = [x0, y0, x1, y1, room];
    const { width, height } = this.box;
    this.centre = [0.5 * (x0 + x1), 0.5 * (y0 + y1)];
    this.um_per_px = room * Math.max((x1 - x0) / width, (y1 - y0) / height, 1e-3);
    this.ask();
  }

  place(event) {
    const bounds = this.canvas.getBoundingClientRect(), { left, top } = this.box, { x0, y1 } = this.range;
    return [x0 + (event.clientX - bounds.left - left) * this.um_per_px, y1 - (event.clientY - bounds.top - top) * this.um_per_px];
  }

  zoom(factor, event) {
    const [x, y] = this.place(event);
    this.fitted = null;
    this.um_per_px *= factor;
    this.centre = [x + (this.centre[0] - x) * factor, y + (this.centre[1] - y) * factor];
    this.ask();
  }

  moved(event) {
    if (this.drag) {
      const [x, y, cx, cy] = this.drag;
      this.fitted = null;
      this.centre = [cx - (event.clientX - x) * this.um_per_px, cy + (event.clientY - y) * this.um_per_px];
      this.ask();
      return;
    }
    this.page.point(...this.place(event));
  }

  // Draws: at once, but no more than once a frame of the screen.
  ask() {
    if (this.asked) return;
    if (performance.now() - this.begun > FRAME_MS) { this.draw(); return; }
    this.asked = true;
    requestAnimationFrame(() => { this.asked = false; this.draw(); });
  }

  // Screen pixels of the picture over an engine's field, or over squares of `factor` of its pixels from (row0, col0) on.
  pixels(engine, ratio, row0 = 0, col0 = 0, factor = 1) {
    const { width, height } = this.box, { x0, y1 } = this.range, step = this.um_per_px / ratio;
    const [px, py] = engine.pitch_um, [ox, oy] = engine.origin_um;
    return {
      cols: bins(Math.round(width * ratio), ((x0 - ox) / px - col0) / factor, step / px / factor),
      rows: bins(Math.round(height * ratio), ((y1 - oy) / py - row0) / factor, -step / py / factor),
    };
  }

  // The pixels of an engine's field that the picture shows, and how many of them a screen pixel is wide.
  looked(engine) {
    const { x0, x1, y0, y1 } = this.range, [px, py] = engine.pitch_um, [ox, oy] = engine.origin_um;
    const around = { row0: (y0 - oy) / py, row1: (y1 - oy) / py, col0: (x0 - ox) / px, col1: (x1 - ox) / px };
    return { around, step: this.um_per_px / (window.devicePixelRatio || 1) / Math.max(px, py) };
  }

  async draw() {
    this.begun = performance.now();
    const turn = ++this.drawn, { layer, exposure, mode } = this.page.state;
    if (!this.page.frames.known(layer)) return;
    let picture = this.page.pictures[mode](layer, exposure, this);
    if (picture instanceof Promise) {
      try { picture = await picture; } catch (error) { if (turn === this.drawn) this.page.fail(error); return; }
    }
    const { paint, legend } = picture;
    if (turn !== this.drawn) return;
    const { context, ratio } = prepared(this.canvas), box = this.box;
    const width = Math.round(box.width * ratio), height = Math.round(box.height * ratio);
    if (!this.image || this.image.width !== width || this.image.height !== height) this.image = new ImageData(width, height);
    paint(new Uint32Array(this.image.data.buffer), ratio);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    context.putImageData(this.image, Math.round(box.left * ratio), Math.round(box.top * ratio));
    drawAxes(context, box, this.range, { x: "x", y: "y" });
    drawScaleBar(context, box, this.um_per_px);
    this.page.drawOver(context, box, this.range);
    drawLegend(this.legend, legend);
    this.page.wasDrawn(layer);
  }
}
