// Doses, worked out here as pmsl's dose map does: Σ time × irradiance × response of the level, then × flat field, rounded to float32.

class Doses {
  constructor(facts) { this.facts = facts; this.flat = null; }

  get known() { return this.facts !== null; }

  // Reads the flat field; resolves when doses can be worked out.
  async ready() {
    if (!this.known || this.facts.flat === null || this.flat) return;
    const flat = this.facts.flat, bytes = await blockBytes("flat-field");
    if (flat.kind === "float32") { const values = ofPlanes(bytes, 4, Float32Array); this.flat = i => values[i]; return; }
    const index = flat.bytes === 1 ? bytes : ofPlanes(bytes, 2, Uint16Array);
    this.flat = i => flat.values[index[i]];
  }

  // Relative irradiance of a white frame at a pixel.
  field(row, col) { return this.flat ? this.flat(row * this.facts.flat.shape[1] + col) : 1; }

  // The dose [mJ/cm²] of exposures with these levels at a pixel; null where it is not known.
  at(exposures, levels, row, col) {
    if (!this.known || exposures.some(e => e.white === null)) return null;
    let sum = 0;
    exposures.forEach((e, i) => { sum += e.white * this.facts.response[levels[i]]; });
    return Math.fround(this.flat ? sum * this.field(row, col) : sum);
  }

  // Dose of every level of an exposure: (256,) values for `means`.
  table(exposure) { return Float32Array.from(this.facts.response, part => part * exposure.white); }
}

// Exposures of the first engine lie on one another where the stage does not shift them: then their doses add up.
function addUp(exposures) {
  return exposures.length > 0 && exposures.every(e => (e.engine || 0) === 0 && String(e.offset_um || [0, 0]) === String(exposures[0].offset_um || [0, 0]));
}
