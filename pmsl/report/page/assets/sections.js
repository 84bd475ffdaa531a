// Cross-sections: cuts that pmsl made exactly where it was asked to, and cuts anywhere through the layers as the page has them.

const VOLUME_BYTES = 80 << 20;

// The cured and designed shares of layers at screen resolution.
class CuredLayers {
  constructor(facts) { this.facts = facts.cured || null; this.n = facts.layers.length; this.recent = new Recent(KEPT_BYTES); this.volume = null; }

  get known() { return this.facts !== null; }

  layer(k) {
    const known = this.recent.get(k);
    if (known) return known;
    return this.recent.promise(k, blockBytes(`cured-${k}`), this.facts.rows * this.facts.cols);
  }

  // Every so many squares of all layers: {bytes, rows, cols, stride}.
  async whole(progress) {
    if (this.volume) return this.volume;
    const { rows, cols } = this.facts;
    let stride = 1;
    while (Math.ceil(rows / stride) * Math.ceil(cols / stride) * this.n > VOLUME_BYTES) stride++;
    const nr = Math.ceil(rows / stride), nc = Math.ceil(cols / stride), bytes = new Uint8Array(nr * nc * this.n);
    for (let k = 0; k < this.n; k++) {
      const layer = await this.layer(k);
      for (let r = 0, at = k * nr * nc; r < nr; r++) for (let c = 0; c < nc; c++) bytes[at++] = layer[r * stride * cols + c * stride];
      if (k % 20 === 0) progress(`reading layers: ${Math.round(100 * k / this.n)} %`);
    }
    this.volume = { bytes, rows: nr, cols: nc, stride };
    return this.volume;
  }
}

class Sections {
  constructor(page) {
    this.page = page;
    this.select = document.getElementById("section");
    this.slider = document.getElementById("section-place");
    this.parent = document.getElementById("sections");
    const { facts } = page;
    this.exact = facts.sections || [];
    this.exact.forEach((cut, i) => this.select.append(this.option(`exact-${i}`, `${cut.axis} = ${shown(cut.at_um)} µm, as simulated`)));
    if (page.cured.known) for (const axis of ["x", "y"]) this.select.append(this.option(axis, `any ${axis}, at the resolution of this page`));
    document.getElementById("sections-section").hidden = !this.select.options.length;
    this.select.addEventListener("change", () => this.choose());
    this.slider.addEventListener("input", () => this.cut());
    new ResizeObserver(() => this.draw()).observe(this.parent);
    if (this.select.options.length) this.choose();
  }

  option(value, text) { const made = element("option", text); made.value = value; return made; }

  async choose() {
    const value = this.select.value, anywhere = value === "x" || value === "y";
    document.getElementById("section-place-label").hidden = !anywhere;
    if (anywhere) {
      const engine = this.page.facts.engines[0], { row0, col0, rows, cols, factor } = this.page.cured.facts, i = value === "x" ? 0 : 1;
      this.first = engine.origin_um[i] + (i ? row0 : col0) * engine.pitch_um[i];
      this.square = factor * engine.pitch_um[i];
      this.slider.max = (i ? rows : cols) - 1;
      this.slider.value = Math.floor(this.slider.max / 2);
      this.cut();
      return;
    }
    const i = Number(value.split("-")[1]);
    const pictures = [["Predicted against the design", await this.read(this.exact[i])]];
    const before = (this.page.facts["before-sections"] || [])[i];
    if (before) pictures.push(["The same without corrections", await this.read(before)]);
    pictures.push(["Dose at each layer's exposure plane", { ...pictures[0][1], heat: true }]);
    if (this.select.value === value) this.put(pictures);
  }

  // The numbers of a cut: shares 0..1 of [layer, pixel], doses in mJ/cm².
  async read(cut) {
    if (cut.numbers) return cut.numbers;
    const of = async kind => ofPlanes(await blockBytes(cut.blocks[kind]), 2, Uint16Array);
    const [cured, dose, design] = [await of("cured"), await of("dose"), await of("design")];
    cut.numbers = {
      n: cut.n, first: cut.first_um, step: cut.step_um, along: cut.axis === "x" ? "y" : "x", design: true,
      cured: i => cured[i] / 65535, designed: i => design[i] / 65535, dose: i => dose[i] === 0 ? 0 : cut.least_mj_cm2 * cut.ratio ** (dose[i] - 1),
    };
    return cut.numbers;
  }

  async cut() {
    const axis = this.select.value, place = Number(this.slider.value), text = document.getElementById("section-place-text");
    const { bytes, rows, cols, stride } = await this.page.cured.whole(words => { text.textContent = words; });
    text.textContent = `${shown(this.first + (place + 0.5) * this.square)} µm`;
    const engine = this.page.facts.engines[0], facts = this.page.cured.facts, i = axis === "x" ? 1 : 0;
    const n = axis === "x" ? rows : cols, at = Math.min(Math.floor(place / stride), (axis === "x" ? cols : rows) - 1);
    const byte = index => { const k = Math.floor(index / n), p = index % n; return bytes[k * rows * cols + (axis === "x" ? p * cols + at : at * cols + p)]; };
    this.put([["Predicted" + (facts.design ? " against the design" : ""), {
      n, first: engine.origin_um[i] + (i ? facts.row0 : facts.col0) * engine.pitch_um[i], step: facts.factor * stride * engine.pitch_um[i],
      along: axis === "x" ? "y" : "x", design: facts.design, cured: index => (byte(index) >> 4) / 15, designed: index => (byte(index) & 15) / 15, dose: null,
    }]]);
  }

  put(pictures) {
    if (this.parent.children.length !== pictures.length) {
      this.parent.replaceChildren(...pictures.map(() => {
        const made = element("div", null, "section-picture");
        made.append(element("h3"), element("canvas"), element("canvas", null, "legend"), element("p", "", "hint"));
        return made;
      }));
    }
    this.pictures = pictures;
    this.draw();
  }

  draw() {
    (this.pictures || []).forEach(([name, numbers], i) => {
      const [head, canvas, legend, hint] = this.parent.children[i].children;
      head.textContent = name;
      this.picture(canvas, legend, hint, numbers);
    });
  }

  picture(canvas, legend, hint, numbers) {
    const edges = this.page.facts.z_edges_um, top = edges[edges.length - 1], { n, first, step } = numbers;
    const { context, ratio, width, height } = prepared(canvas);
    const box = { left: MARGIN.left, top: MARGIN.top, width: width - MARGIN.left - MARGIN.right, height: height - MARGIN.top - MARGIN.bottom };
    let along = n * step, high = top;  // µm that the picture shows
    const stretched = (along / box.width) / (high / box.height);
    if (stretched < 1) along = high / box.height * box.width;  // a tall part is as wide as it is
    const range = { x0: first + 0.5 * (n * step - along), x1: first + 0.5 * (n * step + along), y0: 0, y1: high };
    const w = Math.round(box.width * ratio), h = Math.round(box.height * ratio), image = new ImageData(w, h), out = new Uint32Array(image.data.buffer);
    const layers = edges.length - 1, cols = Int32Array.from({ length: w }, (_, i) => Math.floor((range.x0 + (i + 0.5) / w * along - first) / step));
    const threshold = this.page.facts.threshold_mj_cm2;
    const low = 0.03 * threshold, most = numbers.heat ? this.most(numbers, layers * n, threshold) : 1;
    let k = layers - 1;
    for (let j = 0; j < h; j++) {
      const z = high * (1 - (j + 0.5) / h);
      while (k > 0 && z < edges[k]) k--;
      const depth = (edges[k + 1] - z) / (edges[k + 1] - edges[k]);
      for (let i = 0; i < w; i++) {
        const c = cols[i];
        if (c < 0 || c >= n) { out[j * w + i] = OUTSIDE; continue; }
        const at = k * n + c;
        if (numbers.heat) {
          const part = Math.log(Math.max(numbers.dose(at), low) / low) / Math.log(most / low);
          out[j * w + i] = HEAT[Math.min(255, Math.round(255 * part))];
          continue;
        }
        const share = numbers.cured(at), cured = share >= 1 || depth < share ? 1 : 0;
        out[j * w + i] = numbers.design ? compared(cured, this.wanted(numbers, k, c, depth, layers)) : compared(cured, cured);
      }
    }
    context.clearRect(0, 0, width, height);
    context.putImageData(image, Math.round(box.left * ratio), Math.round(box.top * ratio));
    drawAxes(context, box, range, { x: numbers.along, y: "z" });
    drawScaleBar(context, box, along / box.width);
    const z_scale = (along / box.width) / (high / box.height);
    const usual = Math.abs(z_scale - 1) < 0.02 ? "" : `z drawn ${shown(z_scale, 3)} times as large as ${numbers.along}.`;
    hint.textContent = usual;
    drawLegend(legend, numbers.heat ? { palette: HEAT, name: "mJ/cm²", ticks: doseTicks(low, most, threshold) } : { patches: patchesOf(numbers.design) });
    canvas.onpointermove = event => {
      const bounds = canvas.getBoundingClientRect(), x = range.x0 + (event.clientX - bounds.left - box.left) / box.width * along;
      const z = high * (1 - (event.clientY - bounds.top - box.top) / box.height), c = Math.floor((x - first) / step);
      if (c < 0 || c >= n || z < 0 || z >= high) { hint.textContent = usual; return; }
      let layer = edges.findIndex(edge => edge > z) - 1;
      layer = Math.max(0, layer);
      const at = layer * n + c, thick = edges[layer + 1] - edges[layer];
      hint.textContent = `${numbers.along} ${shown(x)} µm, z ${shown(z)} µm, layer ${layer}: cured ${shown(numbers.cured(at) * thick, 4)} of ${shown(thick)} µm`
        + (numbers.design ? `, designed ${shown(100 * numbers.designed(at), 3)} %` : "") + (numbers.dose ? `, dose ${shown(numbers.dose(at), 4)} mJ/cm². ` : ". ") + usual;
    };
  }

  most(numbers, size, threshold) {
    if (!numbers.highest) {
      let most = 2 * threshold;
      for (let i = 0; i < size; i++) most = Math.max(most, numbers.dose(i));
      numbers.highest = most;
    }
    return numbers.highest;
  }

  // Whether the design is solid at a depth of a slab: a voxel between a solid and a void one is solid on the side of the solid one.
  wanted(numbers, k, c, depth, layers) {
    const { n } = numbers, part = numbers.designed(k * n + c);
    if (part === 0 || part === 1) return part;
    const above = k + 1 < layers ? numbers.designed((k + 1) * n + c) : 0, below = k > 0 ? numbers.designed((k - 1) * n + c) : 0;
    if (Math.abs(above - below) <= 0.5) return part >= 0.5 ? 1 : 0;
    return (above > below ? depth : 1 - depth) < part ? 1 : 0;
  }
}

function patchesOf(design) {
  return design ? [[BOTH, "solid as designed"], [CURED, "cured, not designed"], [WANTED, "designed, not cured"], [VOID, "liquid"]] : [[BOTH, "cured"], [VOID, "liquid"]];
}

// Marks of a logarithmic scale, with the dose from which resin is solid.
function doseTicks(low, most, threshold) {
  const part = value => Math.log(value / low) / Math.log(most / low), out = [[0, shown(low, 2)], [part(threshold), `Ec ${shown(threshold, 3)}`]];
  if (1 - part(threshold) > 0.12) out.push([1, shown(most, 3)]);
  return out;
}
