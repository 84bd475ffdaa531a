// The page: what is chosen, and who has to know.

// What a laser draws in some layers: a picture.
function linesSection(address) {
  const section = element("section", ""), picture = element("img", "");
  section.className = "wide";
  picture.src = address;
  picture.alt = "Borders, hatches and skins of some layers";
  picture.style.maxWidth = "100%";
  section.append(element("h2", "Lines"), picture);
  return section;
}

class Page {
  constructor(facts, frames) {
    this.facts = facts;
    this.frames = frames;
    this.doses = new Doses(facts.doses);
    this.cured = new CuredLayers(facts);
    this.state = { layer: facts.first_layer, exposure: 0, mode: "frame" };
    this.visited = null;
    this.pictures = {
      frame: (k, j, view) => this.framePicture(k, j, view),
      dose: (k, j, view) => this.dosePicture(k, j, view),
      cured: (k, j, view) => this.curedPicture(k, view),
    };
  }

  get n() { return this.facts.z_edges_um.length - 1; }

  // What stands in place of a dose: what a laser draws has none for all of a layer.
  get unknownDose() { return this.facts.lines ? "along its lines" : "not known"; }

  async start() {
    const { facts } = this, by = id => document.getElementById(id);
    by("title").textContent = facts.title;
    by("subtitle").textContent = `${this.n} layers, ${facts.summary.find(([name]) => name === "Printer")[1]}, ${facts.summary.find(([name]) => name === "Resin")[1]}`;
    by("notes").replaceChildren(...facts.notes.map(note => element("li", note)));
    fillList(by("summary"), facts.summary);
    const modes = [["frame", "frame, as shown"]];
    if (this.doses.known) modes.push(["dose", "dose of this layer"]);
    if (this.cured.known) modes.push(["cured", facts.cured.design ? "predicted cure and design" : "predicted cure"]);
    by("mode").replaceChildren(...modes.map(([value, text]) => { const made = element("option", text); made.value = value; return made; }));
    by("mode").addEventListener("change", event => this.choose({ mode: event.target.value }));
    by("exposure").addEventListener("change", event => this.choose({ exposure: Number(event.target.value) }));
    by("layer").max = by("layer-number").max = this.n - 1;
    by("layer").addEventListener("input", event => this.setLayer(Number(event.target.value)));
    by("layer-number").addEventListener("change", event => this.setLayer(Number(event.target.value)));
    by("previous").addEventListener("click", () => this.setLayer(this.state.layer - 1));
    by("next").addEventListener("click", () => this.setLayer(this.state.layer + 1));
    by("fields-label").hidden = !facts.fields;
    by("fields").addEventListener("change", () => this.view.ask());
    by("fit").addEventListener("click", () => this.fit());
    by("whole").addEventListener("click", () => this.whole());
    by("layer-canvas").addEventListener("keydown", event => {
      const step = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, PageUp: 10, PageDown: -10 }[event.key];
      if (step) { event.preventDefault(); this.setLayer(this.state.layer + step); }
    });
    this.view = new LayerView(this, by("layer-canvas"), by("legend"));
    this.graphs = new Graphs(this, by("graphs"));
    if (facts.layers.length) this.graphs.put(Graphs.of(facts.layers));
    this.fit();
    await this.setLayer(this.state.layer);
    return this.view.draw();
  }

  // What is not needed for the first picture.
  startRest() {
    const { facts } = this;
    new Findings(this, document.getElementById("findings"));
    if (facts.lines) document.getElementById("findings-section").before(linesSection(facts.lines));
    fillList(document.getElementById("provenance"), facts.provenance);
    fillProfiles(document.getElementById("profiles"), facts.profiles);
    document.getElementById("prediction-section").hidden = !facts.prediction;
    if (facts.prediction) {
      document.getElementById("prediction-label").textContent = facts.prediction.predicted[0].toUpperCase() + facts.prediction.predicted.slice(1) + ".";
      fillPrediction(document.getElementById("prediction"), facts.prediction, facts.before);
    }
    this.sections = new Sections(this);
    this.solids = new Solids(this);
    this.doses.ready();
  }

  setLayer(k) {
    k = Math.min(Math.max(Math.round(k) || 0, 0), this.n - 1);
    this.stride = k - this.state.layer || 1;
    return this.choose({ layer: k });
  }

  // Sets what is shown; where the facts of the layer are not here yet, when they have come.
  choose(change) {
    const k = change.layer ?? this.state.layer, turn = this.choosing = (this.choosing || 0) + 1;
    if (this.frames.known(k)) return this.show(change);
    document.getElementById("layer").value = k;
    return this.frames.layerFacts(k).then(() => { if (turn === this.choosing) this.show(change); }, error => this.fail(error));
  }

  // Says what failed, once.
  fail(error) {
    const notes = document.getElementById("notes");
    if (![...notes.children].some(note => note.textContent === error.message)) notes.append(element("li", error.message));
  }

  show(change) {
    Object.assign(this.state, change);
    this.state.exposure = Math.min(this.state.exposure, Math.max(0, this.facts.layers[this.state.layer].exposures.length - 1));
    const { layer, exposure } = this.state, edges = this.facts.z_edges_um, exposures = this.facts.layers[layer].exposures;
    const by = id => document.getElementById(id);
    by("layer").value = by("layer-number").value = layer;
    by("mode").value = this.state.mode;
    by("layer-name").textContent = `Layer ${layer}: z ${shown(edges[layer], 7)} to ${shown(edges[layer + 1], 7)} µm`;
    const select = by("exposure");
    if (select.options.length !== exposures.length) select.replaceChildren(...exposures.map((_, j) => { const made = element("option", j); made.value = j; return made; }));
    if (exposures.length) select.value = exposure;
    select.disabled = exposures.length < 2;
    fillExposures(by("exposures"), exposures, exposure, this.doses.known ? "" : this.unknownDose, j => this.choose({ exposure: j }));
    fillLayerFacts(by("layer-facts"), this.facts.layers[layer]);
    this.graphs.point(layer);
    this.view.ask();
    if (this.under) this.point(...this.under);
  }

  wasDrawn(layer) {
    this.shownLayer = layer;
    if (this.firstPicture === undefined) this.firstPicture = performance.now();
    for (const step of [1, 2]) {  // the next ones, in strides as the last, are ready when they are asked for
      const k = layer + step * (this.stride || 1), next = this.facts.layers[k];
      if (k < 0 || k >= this.n) continue;
      if (this.state.mode === "cured") this.cured.layer(k);
      else if (next) next.exposures.forEach((_, j) => this.frames.prefetch(k, j));
      else this.frames.layerFacts(k).catch(() => {});  // said when it is looked at
    }
  }

  // Rectangle of all parts [µm], or of the light where no part is known.
  extent() {
    if (this.facts.extent_um) return this.facts.extent_um;
    const { shape, pitch_um, origin_um } = this.facts.engines[0];
    return [origin_um[0], origin_um[1], origin_um[0] + shape[1] * pitch_um[0], origin_um[1] + shape[0] * pitch_um[1]];
  }

  fit() { this.view.show(...this.extent()); }

  whole() {
    const { shape, pitch_um, origin_um } = this.facts.engines[0];
    this.view.show(origin_um[0], origin_um[1], origin_um[0] + shape[1] * pitch_um[0], origin_um[1] + shape[0] * pitch_um[1]);
  }

  // The layer that shows a finding: the middle one of its own, or of its box.
  layerOf(finding) {
    const edges = this.facts.z_edges_um;
    let k = this.facts.first_layer;
    if (finding.box_um && finding.box_um[0].length > 2) {
      const z = 0.5 * (finding.box_um[0][2] + finding.box_um[1][2]);
      k = edges.findIndex(edge => edge > z) - 1;
      if (k < 0) k = this.n - 1;
    } else if (finding.layers) k = Math.floor(0.5 * (finding.layers[0] + finding.layers[1]));
    if (finding.layers) k = Math.min(Math.max(k, finding.layers[0]), finding.layers[1]);
    return Math.min(Math.max(k, 0), this.n - 1);
  }

  placeOf(finding) {
    const [x0, y0, x1, y1] = this.extent();
    if (!finding.box_um) return { x0, y0, x1, y1 };
    const [low, high] = finding.box_um, [px, py] = this.facts.engines[0].pitch_um;
    const room = PICTURE_ROOM * Math.max(high[0] - low[0], high[1] - low[1], 12 * Math.max(px, py));
    return { x0: low[0] - room, y0: low[1] - room, x1: high[0] + room, y1: high[1] + room };
  }

  visit(finding) {
    const { x0, y0, x1, y1 } = this.placeOf(finding);
    this.visited = finding;
    this.view.show(x0, y0, x1, y1);
    this.setLayer(this.layerOf(finding));
    document.getElementById("layers-section").scrollIntoView();
  }

  // What is drawn over the picture of a layer: fields of a plate, the box of the finding that was visited last, in its layers.
  drawOver(context, box, range) {
    const { fields, layers } = this.facts, { layer, exposure } = this.state;
    this.fieldsDrawn = fields && document.getElementById("fields").checked ? drawFields(context, box, range, fields, layer, layers[layer].exposures, exposure) : null;
    const finding = this.visited;
    if (!finding || !finding.box_um) return;
    if (finding.layers && (this.state.layer < finding.layers[0] || this.state.layer > finding.layers[1])) return;
    const [low, high] = finding.box_um, scale = box.width / (range.x1 - range.x0);
    context.save();
    context.beginPath(); context.rect(box.left, box.top, box.width, box.height); context.clip();
    context.strokeStyle = "#ff6a2b"; context.lineWidth = 2;
    context.strokeRect(box.left + (low[0] - range.x0) * scale - 3, box.top + (range.y1 - high[1]) * scale - 3, (high[0] - low[0]) * scale + 6, (high[1] - low[1]) * scale + 6);
    context.restore();
  }

  framePicture(k, j, view) {
    const exposure = this.facts.layers[k].exposures[j], engine = this.facts.engines[exposure ? exposure.engine || 0 : 0];
    const legend = { palette: GRAYS, name: "gray level, 8 bit", ticks: [[0, "0"], [0.5, "128"], [1, "255"]] };
    const picture = frame => ({
      legend,
      paint: (out, ratio) => {
        const { cols, rows } = view.pixels(engine, ratio, 0, 0, (frame && frame.factor) || 1);
        paintField(out, cols, rows, shapeOf(engine, frame), frame ? means(frame, rows, cols, BYTES) : new Float32Array(out.length), GRAYS, 1);
      },
    });
    const frame = exposure ? this.frames.raster(k, j, view.looked(engine)) : null;
    return frame instanceof Promise ? frame.then(picture) : picture(frame);
  }

  dosePicture(k, j, view) {
    const all = this.facts.layers[k].exposures, chosen = addUp(all) ? all.map((_, i) => i) : all.length ? [j] : [];
    const some = chosen.filter(i => all[i].white !== null), engine = this.facts.engines[chosen.length ? all[chosen[0]].engine || 0 : 0];
    const most = Math.max(some.reduce((sum, i) => sum + all[i].white, 0), 1e-9), ec = this.facts.doses.ec_mj_cm2;
    const what = chosen.length < all.length ? `mJ/cm², exposure ${j} alone` : "mJ/cm² at the mirrors, this layer's own light";
    const ticks = [[0, "0"], [1, shown(most, 4)]];
    if (ec < 0.9 * most && ec > 0.1 * most) ticks.splice(1, 0, [ec / most, `Ec ${shown(ec, 3)}`]);
    const legend = { palette: HEAT, name: what, ticks };
    const picture = frames => ({
      legend,
      paint: (out, ratio) => {
        const factor = frames.length && frames[0].factor || 1;
        const { cols, rows } = view.pixels(engine, ratio, 0, 0, factor), sums = new Float32Array(out.length);
        frames.forEach((frame, n) => { const dose = means(frame, rows, cols, this.doses.table(all[some[n]])); for (let i = 0; i < sums.length; i++) sums[i] += dose[i]; });
        const field = this.doses.picture(rows, cols, factor);
        if (field) for (let i = 0; i < sums.length; i++) sums[i] *= field[i];
        paintField(out, cols, rows, shapeOf(engine, frames[0]), sums, HEAT, 255 / most);
      },
    });
    const frames = some.map(i => this.frames.raster(k, i, view.looked(engine)));
    return frames.some(frame => frame instanceof Promise) || (this.facts.doses.flat && !this.doses.flat)
      ? Promise.all([this.doses.ready(), ...frames]).then(([, ...made]) => picture(made)) : picture(frames);
  }

  curedPicture(k, view) {
    const engine = this.facts.engines[0], { row0, col0, rows: nr, cols: nc, factor, design } = this.facts.cured, colours = design ? COMPARED : CURED_ONLY;
    const picture = bytes => ({
      legend: { patches: patchesOf(design) },
      paint: (out, ratio) => {
        const { cols, rows } = view.pixels(engine, ratio, row0, col0, factor), width = cols.low.length;
        const shape = [(engine.shape[0] - row0) / factor, (engine.shape[1] - col0) / factor];
        for (let j = 0; j < rows.low.length; j++) {
          const r = (rows.low[j] + rows.high[j] - 1) >> 1;
          for (let i = 0; i < width; i++) {
            const c = (cols.low[i] + cols.high[i] - 1) >> 1;
            out[j * width + i] = r >= 0 && c >= 0 && r < nr && c < nc ? colours[bytes[r * nc + c]]
              : r < -row0 / factor || c < -col0 / factor || r >= shape[0] || c >= shape[1] ? OUTSIDE : COMPARED[0];
          }
        }
      },
    });
    const bytes = this.cured.layer(k);
    return bytes instanceof Promise ? bytes.then(picture) : picture(bytes);
  }

  // Byte and doses of a pixel (row, col) of the engine of exposure j of layer k.
  async readout(k, j, row, col) {
    const { exposures } = await this.frames.layerFacts(k), exposure = exposures[j];
    await this.doses.ready();
    if (!exposure) return { byte: null, dose: null, total: 0 };
    const byte = await this.frames.level(k, j, row, col), out = { byte, dose: this.doses.at([exposure], [byte], row, col), total: null };
    if (addUp(exposures)) {
      const levels = await Promise.all(exposures.map((_, i) => i === j ? byte : this.frames.level(k, i, row, col)));
      out.total = this.doses.at(exposures, levels, row, col);
    }
    return out;
  }

  // Shows what is at a place [µm] of the layer.
  async point(x, y) {
    this.under = [x, y];
    const { layer, exposure } = this.state, edges = this.facts.z_edges_um, chosen = this.facts.layers[layer].exposures[exposure];
    const engine = this.facts.engines[chosen ? chosen.engine || 0 : 0], table = document.getElementById("readout");
    const col = Math.floor((x - engine.origin_um[0]) / engine.pitch_um[0]), row = Math.floor((y - engine.origin_um[1]) / engine.pitch_um[1]);
    if (col < 0 || row < 0 || row >= engine.shape[0] || col >= engine.shape[1]) { fillFacts(table, [["Place", "outside of the field"]]); return; }
    const turn = this.pointing = (this.pointing || 0) + 1, found = await this.readout(layer, exposure, row, col);
    const cured = this.cured.known ? await this.cured.layer(layer) : null;
    if (turn !== this.pointing) return;
    const dose = value => value === null ? this.unknownDose : `${shown(value, 9)} mJ/cm²`;
    const lines = [["x, y", `${shown(x, 7)}, ${shown(y, 7)} µm`], ["Pixel (column, row)", `${col}, ${row}`]];
    if (found.byte === null) lines.push(["Light", "none in this layer"]);
    else {
      lines.push(["Frame byte", String(found.byte)], ["Dose of this exposure", dose(found.dose)]);
      if (this.facts.layers[layer].exposures.length > 1) lines.push(["Dose of the layer", found.dose !== null && !addUp(this.facts.layers[layer].exposures) ? "exposures lie apart" : dose(found.total)]);
    }
    if (cured) {
      const { row0, col0, rows, cols, factor, design } = this.facts.cured, r = Math.floor((row - row0) / factor), c = Math.floor((col - col0) / factor);
      const byte = r >= 0 && c >= 0 && r < rows && c < cols ? cured[r * cols + c] : 0, thick = edges[layer + 1] - edges[layer];
      lines.push(["Predicted cure", `about ${shown((byte >> 4) / 15 * thick, 2)} of ${shown(thick)} µm`]);
      if (design) lines.push(["Designed", `about ${Math.round((byte & 15) / 15 * 100)} %`]);
    }
    fillFacts(table, lines);
  }
}

// (rows, cols) of a field in the pixels of a frame, which may be means of several.
function shapeOf(engine, frame) {
  const factor = frame && frame.factor || 1;
  return engine.shape.map(n => Math.ceil(n / factor));
}

// Paints a picture of a field: values times `scale` choose from 256 colours.
function paintField(out, cols, rows, shape, values, colours, scale) {
  const width = cols.low.length, inside = Uint8Array.from(cols.low, c => c >= 0 && c < shape[1] ? 1 : 0);
  for (let j = 0, i = 0; j < rows.low.length; j++) {
    if (rows.low[j] < 0 || rows.low[j] >= shape[0]) { out.fill(OUTSIDE, i, i + width); i += width; continue; }
    for (let c = 0; c < width; c++, i++) out[i] = inside[c] ? colours[Math.min(255, (values[i] * scale + 0.5) | 0)] : OUTSIDE;
  }
}

async function main() {
  const facts = JSON.parse(document.getElementById("page-data").textContent), served = facts.layers === null;
  if (served) facts.layers = [];
  const page = new Page(facts, served ? new ServedFrames(facts) : new EmbeddedFrames(facts));
  window.pmsl = page;  // for programs that look at the page
  await page.start();
  if (document.readyState === "loading") await new Promise(resolve => document.addEventListener("DOMContentLoaded", resolve));
  page.startRest();
  if (served) {
    page.alive = new EventSource("/alive");  // the server ends when it closes
    page.frames.graphs(found => page.graphs.put(found)).then(damaged => {
      if (damaged.length) page.fail(new Error(`${damaged.length} of the layers in the graphs cannot be read. Layer ${damaged[0][0]}: ${damaged[0][1]}`));
    }, error => page.fail(error));
  }
  page.started = true;
}

main();
