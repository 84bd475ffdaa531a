// Findings, each with a picture of its place.

const FINDINGS_SHOWN = 60;  // at first
const PICTURE_ROOM = 0.25;  // around the box of a finding, of its size

class Findings {
  constructor(page, parent) {
    this.page = page;
    this.waiting = new Map();
    const seen = new IntersectionObserver(entries => {
      for (const entry of entries) if (entry.isIntersecting) { seen.unobserve(entry.target); this.draw(entry.target); }
    }, { rootMargin: "300px" });
    const findings = page.facts.findings;
    if (!findings.length) parent.append(element("p", "None.", "hint"));
    const add = some => { for (const finding of some) parent.append(this.entry(finding, seen)); };
    add(findings.slice(0, FINDINGS_SHOWN));
    if (findings.length > FINDINGS_SHOWN) {
      const more = element("button", `Show ${findings.length - FINDINGS_SHOWN} more`);
      more.addEventListener("click", () => { more.remove(); add(findings.slice(FINDINGS_SHOWN)); });
      parent.append(more);
    }
    window.addEventListener("beforeprint", () => { for (const canvas of [...this.waiting.keys()]) this.draw(canvas); });
  }

  // A finding in words, with a picture of its place where it has one; drawn when it comes into sight.
  entry(finding, seen) {
    const made = element("div", null, "finding"), words = element("div");
    if (finding.layers || finding.box_um) {
      const canvas = element("canvas");
      canvas.title = "Show this place";
      canvas.addEventListener("click", () => this.page.visit(finding));
      this.waiting.set(canvas, finding);
      seen.observe(canvas);
      made.append(canvas);
    } else made.append(element("div", "Of the whole job", "no-place"));
    const head = element("p");
    head.append(element("span", finding.severity, `badge ${finding.severity}`), element("strong", finding.code), document.createTextNode(this.where(finding)));
    words.append(head, element("p", finding.message));
    if (finding.remedy) words.append(element("p", finding.remedy, "hint"));
    made.append(words);
    return made;
  }

  where(finding) {
    const words = [];
    if (finding.layers) words.push(finding.layers[0] === finding.layers[1] ? `layer ${finding.layers[0]}` : `layers ${finding.layers[0]} to ${finding.layers[1]}`);
    if (finding.box_um) {
      const [low, high] = finding.box_um;
      words.push(["x", "y", "z"].slice(0, low.length).map((axis, i) => `${axis} ${shown(low[i], 6)}` + (high[i] > low[i] ? `–${shown(high[i], 6)}` : "")).join(", ") + " µm");
    }
    return words.length ? `  ${words.join("; ")}` : "";
  }

  async draw(canvas) {
    const finding = this.waiting.get(canvas);
    if (!finding) return;
    this.waiting.delete(canvas);
    const { page } = this, k = page.layerOf(finding), layer = await page.frames.layerFacts(k);
    const { context, ratio, width, height } = prepared(canvas), engine = page.facts.engines[0];
    const around = page.placeOf(finding);
    const um_per_px = Math.max((around.x1 - around.x0) / width, (around.y1 - around.y0) / height);
    const x0 = 0.5 * (around.x0 + around.x1 - width * um_per_px), y1 = 0.5 * (around.y0 + around.y1 + height * um_per_px);
    const [px, py] = engine.pitch_um, [ox, oy] = engine.origin_um, step = um_per_px / ratio;
    const image = new ImageData(canvas.width, canvas.height), out = new Uint32Array(image.data.buffer);
    out.fill(GRAYS[0]);
    for (let j = 0; j < layer.exposures.length; j++) {
      if (layer.exposures[j].engine) continue;
      const around = { row0: (y1 - height * um_per_px - oy) / py, row1: (y1 - oy) / py, col0: (x0 - ox) / px, col1: (x0 + width * um_per_px - ox) / px };
      const frame = await page.frames.raster(k, j, { around, step: step / Math.max(px, py) }), f = frame.factor || 1;
      const levels = means(frame, bins(canvas.height, (y1 - oy) / py / f, -step / py / f), bins(canvas.width, (x0 - ox) / px / f, step / px / f), BYTES);
      for (let i = 0; i < out.length; i++) { const c = GRAYS[Math.round(levels[i])]; if (c > out[i]) out[i] = c; }
    }
    context.putImageData(image, 0, 0);
    if (finding.box_um) {
      const [low, high] = finding.box_um, at = (x, y) => [(x - x0) / um_per_px, (y1 - y) / um_per_px];
      const [left, top] = at(low[0], high[1]), [right, bottom] = at(high[0], low[1]);
      context.strokeStyle = "#ff6a2b"; context.lineWidth = 2;
      context.strokeRect(left - 2, top - 2, Math.max(right - left, 1) + 4, Math.max(bottom - top, 1) + 4);
    }
    drawScaleBar(context, { left: 0, top: 0, width, height }, um_per_px);
    context.fillStyle = "rgba(20,22,26,0.72)"; context.fillRect(0, 0, 70, 18);
    context.fillStyle = "#fff"; context.textAlign = "left"; context.textBaseline = "top"; context.fillText(`layer ${k}`, 6, 3);
  }
}
const BYTES = Float32Array.from({ length: 256 }, (_, i) => i);
