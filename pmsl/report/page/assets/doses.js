// Doses, worked out here as pmsl's dose map does: Σ time × irradiance × response of the level, then × flat field, rounded to float32.

class Doses {
  constructor(facts) { this.facts = facts; this.flat = null; }

  get known() { return this.facts !== null; }

  // Reads the flat field; resolves when doses can be worked out.
  async ready() {
    if (!this.known || this.facts.flat === null || this.flat) return;
    const flat = this.facts.flat, [rows, cols] = flat.shape;
    if (flat.kind === "vignetting") {
      const y = Float64Array.from({ length: rows }, (_, i) => i - 0.5 * (rows - 1)), x = Float64Array.from({ length: cols }, (_, i) => i - 0.5 * (cols - 1));
      const corner = Math.max(y[0] * y[0] + x[0] * x[0], 1);
      this.flat = (r, c) => (1 - flat.loss * (y[r] * y[r] + x[c] * x[c]) / corner) / flat.divisor;
      return;
    }
    if (flat.kind === "grid") {
      const along = [places(rows, flat.values.length), places(cols, flat.values[0].length)];
      this.flat = (r, c) => {
        const [i, t] = along[0][r], [j, u] = along[1][c], low = flat.values[i], high = flat.values[i + 1];
        return ((1 - u) * ((1 - t) * low[j] + t * high[j]) + u * ((1 - t) * low[j + 1] + t * high[j + 1])) / flat.divisor;
      };
      return;
    }
    const bytes = await blockBytes("flat-field"), index = flat.bytes === 1 ? bytes : ofPlanes(bytes, 2, Uint16Array);
    if (flat.kind === "float32") { const values = ofPlanes(bytes, 4, Float32Array); this.flat = (r, c) => values[r * cols + c]; } else this.flat = (r, c) => flat.values[index[r * cols + c]];
  }

  // The flat field under screen pixels, at the middle of each; null where it is even. The last one is kept.
  picture(rows, cols, factor = 1) {
    if (!this.flat) return null;
    const key = [factor, ...[rows, cols].flatMap(({ low, high }) => [low.length, low[0], high[low.length - 1]])].join();
    if (this.pictureKey === key) return this.pictureMade;
    const [n_rows, n_cols] = this.facts.flat.shape, width = cols.low.length, out = new Float32Array(width * rows.low.length);
    for (let j = 0, i = 0; j < rows.low.length; j++) {
      const r = Math.min(Math.max((factor * (rows.low[j] + rows.high[j]) - 1) >> 1, 0), n_rows - 1);
      for (let c = 0; c < width; c++, i++) out[i] = this.flat(r, Math.min(Math.max((factor * (cols.low[c] + cols.high[c]) - 1) >> 1, 0), n_cols - 1));
    }
    this.pictureKey = key;
    return this.pictureMade = out;
  }

  // Relative irradiance of a white frame at a pixel.
  field(row, col) { return this.flat ? this.flat(row, col) : 1; }

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

// Where n pixels, the middles of the first and the last at the ends, lie between m points: [point, part of the way to the next].
function places(n, m) {
  const step = (m - 1) / (n - 1);
  return Array.from({ length: n }, (_, i) => {
    const at = n === 1 ? 0 : i === n - 1 ? m - 1 : i * step, low = Math.min(Math.floor(at), m - 2);
    return [low, at - low];
  });
}

// Exposures of the first engine lie on one another where the stage does not shift them: then their doses add up.
function addUp(exposures) {
  return exposures.length > 0 && exposures.every(e => (e.engine || 0) === 0 && String(e.offset_um || [0, 0]) === String(exposures[0].offset_um || [0, 0]));
}
