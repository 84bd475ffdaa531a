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
  // What is being made, until it is there; when that fails it is forgotten, so that it is asked for again.
  promise(key, made, size) {
    this.set(key, made, size);
    const mine = () => { const item = this.items.get(key); return item && item.value === made ? item : null; };
    made.then(value => { const item = mine(); if (item) item.value = value; }, () => { if (mine()) { this.items.delete(key); this.size -= size; } });
    return made;
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
    const made = blockBytes(`frame-${number}`).then(levels => ({ row0, col0, rows, cols, levels: levels || new Uint8Array(0) }));
    return this.recent.promise(number, made, rows * cols);
  }

  prefetch(k, j) { this.frame(k, j); }

  known() { return true; }

  async layerFacts(k) { return this.layer(k); }

  // What a picture needs of a frame whose screen pixels are so many of its own wide: here the whole of it.
  raster(k, j) { return this.frame(k, j); }

  async level(k, j, row, col) {
    const frame = await this.frame(k, j);
    const r = row - frame.row0, c = col - frame.col0;
    return r >= 0 && r < frame.rows && c >= 0 && c < frame.cols ? frame.levels[r * frame.cols + c] : 0;
  }
}

// Frames of a server: facts of a layer when it is looked at, tiles at the resolution of the screen. A tile of level n has means of 2^n pixels.
class ServedFrames {
  constructor(facts) { this.facts = facts; this.recent = new Recent(KEPT_BYTES); this.asked = new Map(); }

  known(k) { return this.facts.layers[k] !== undefined; }

  layerFacts(k) {
    if (this.known(k)) return Promise.resolve(this.facts.layers[k]);
    if (!this.asked.has(k)) {
      this.asked.set(k, this.ask(`/layer?k=${k}`).then(answer => answer.json()).then(facts => this.facts.layers[k] = facts).finally(() => this.asked.delete(k)));
    }
    return this.asked.get(k);
  }

  async ask(path) {
    const answer = await fetch(path);
    if (!answer.ok) throw new Error(await answer.text());
    return answer;
  }

  // What fails ahead of time is said when it is looked at.
  prefetch(k, j) {
    const made = this.last && this.facts.layers[k] && this.raster(k, j, this.last);
    if (made instanceof Promise) made.catch(() => {});
  }

  tile(k, j, level, row, col) {
    const key = [k, j, level, row, col].join();
    const known = this.recent.get(key);
    if (known) return known;
    const made = this.ask(`/tile?k=${k}&exposure=${j}&level=${level}&row=${row}&col=${col}`).then(answer => answer.arrayBuffer()).then(buffer => new Uint8Array(buffer));
    return this.recent.promise(key, made, this.facts.tile_px ** 2);
  }

  engine(k, j) { return this.facts.engines[this.facts.layers[k].exposures[j].engine || 0]; }

  // The part of a frame under `around` (pixels {row0, col0, row1, col1}), of which a screen pixel covers `step`: whole tiles put together.
  raster(k, j, view) {
    this.last = view;
    const { around, step } = view, level = Math.max(0, Math.floor(Math.log2(Math.max(step, 1)))), size = this.facts.tile_px, factor = 2 ** level;
    const [rows, cols] = this.engine(k, j).shape.map(n => Math.ceil(n / factor));
    const range = (low, high, n) => [Math.max(0, Math.floor(low / factor / size)), Math.min(Math.ceil(n / size), Math.max(0, Math.ceil(high / factor / size)))];
    const [r0, r1] = range(around.row0, around.row1, rows), [c0, c1] = range(around.col0, around.col1, cols);
    const places = [];
    for (let r = r0; r < r1; r++) for (let c = c0; c < c1; c++) places.push([r, c]);
    const tiles = places.map(([r, c]) => this.tile(k, j, level, r, c));
    const joined = some => this.joined(some, places, size, rows, cols, r0, c0, r1, c1, factor);
    return tiles.some(tile => tile instanceof Promise) ? Promise.all(tiles).then(joined) : joined(tiles);
  }

  joined(tiles, places, size, rows, cols, r0, c0, r1, c1, factor) {
    const row0 = r0 * size, col0 = c0 * size, height = Math.max(0, Math.min(rows, r1 * size) - row0), width = Math.max(0, Math.min(cols, c1 * size) - col0);
    const stride = Math.ceil(width / 4) * 4, levels = new Uint8Array(height * stride);
    tiles.forEach((tile, i) => {
      const top = places[i][0] * size - row0, left = places[i][1] * size - col0, wide = Math.min(size, width - left), high = Math.min(size, height - top);
      for (let r = 0; r < high; r++) levels.set(tile.subarray(r * wide, (r + 1) * wide), (top + r) * stride + left);
    });
    return { row0, col0, rows: height, cols: stride, levels, factor };
  }

  async level(k, j, row, col) {
    const size = this.facts.tile_px, r = Math.floor(row / size), c = Math.floor(col / size);
    const tile = await this.tile(k, j, 0, r, c), wide = Math.min(size, this.engine(k, j).shape[1] - c * size);
    return tile[(row - r * size) * wide + col - c * size];
  }

  // Values over the layers, as the server works them out: calls `put` with what is known until all is.
  async graphs(put) {
    for (;;) {
      const found = await (await this.ask("/graphs")).json();
      put(found);
      if (found.whole) return found.damaged;
      await new Promise(resolve => setTimeout(resolve, 1000));
    }
  }
}
