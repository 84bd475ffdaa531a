// Frames: the 8-bit levels of an exposure, inside a window of its engine's field; row 0 is the smallest y.

const KEPT_BYTES = 96 << 20;

// Keeps what was made last, up to some bytes.
class Recent {
  constructor(most) { this.most = most; this.size = 0; this.items = new Map(); }
  get(key) {
    const item = this.items.get(key);
    if (item !== undefined) { this.items.delete(key); this.items.set(key, item); }
    return item && item.value;
  }
  set(key, value, size) {
    this.items.set(key, { value, size });
    this.size += size;
    for (const [old, item] of this.items) {
      if (this.size <= this.most || old === key) break;
      this.items.delete(old);
      this.size -= item.size;
    }
  }
}

class EmbeddedFrames {
  constructor(facts) { this.facts = facts; this.recent = new Recent(KEPT_BYTES); }

  layer(k) { return this.facts.layers[k]; }

  // A frame: {row0, col0, rows, cols, levels}; at once where it is known, else a promise.
  frame(k, j) {
    const number = this.layer(k).exposures[j].frame;
    const known = this.recent.get(number);
    if (known) return known;
    const [row0, col0, rows, cols] = this.facts.frames[number];
    const made = blockBytes(`frame-${number}`).then(levels => {
      const frame = { row0, col0, rows, cols, levels: levels || new Uint8Array(0) };
      const item = this.recent.items.get(number);
      if (item) item.value = frame;
      return frame;
    });
    this.recent.set(number, made, rows * cols);
    return made;
  }

  prefetch(k, j) { this.frame(k, j); }

  async layerFacts(k) { return this.layer(k); }

  // What a picture of `view` needs of a frame: here the whole of it.
  raster(k, j) { return this.frame(k, j); }

  async level(k, j, row, col) {
    const frame = await this.frame(k, j);
    const r = row - frame.row0, c = col - frame.col0;
    return r >= 0 && r < frame.rows && c >= 0 && c < frame.cols ? frame.levels[r * frame.cols + c] : 0;
  }
}
