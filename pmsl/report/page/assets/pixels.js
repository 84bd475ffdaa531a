// Pixels of a screen: means of the pixels of a frame under each, and colours.

// Ranges of frame pixels [low, high) under n screen pixels; at least one pixel each. `size` of a frame pixel is 2^level pixels.
function bins(n, first, step) {
  const low = new Int32Array(n), high = new Int32Array(n);
  for (let i = 0; i < n; i++) {
    const a = first + i * step, b = a + step;
    const p = step < 0 ? b : a, q = step < 0 ? a : b;
    let lo = Math.round(p), hi = Math.round(q);
    if (hi <= lo) { lo = Math.floor(0.5 * (p + q)); hi = lo + 1; }
    low[i] = lo; high[i] = hi;
  }
  return { low, high };
}

// Means of values[levels] of a frame under every screen pixel: (height, width) Float32Array; 0 outside of the frame's window.
function means(frame, rows, cols, values) {
  const width = cols.low.length, height = rows.low.length, out = new Float32Array(width * height);
  const first = Math.max(Math.min(cols.low[0], cols.low[width - 1]) - frame.col0, 0);
  const last = Math.min(Math.max(cols.high[0], cols.high[width - 1]) - frame.col0, frame.cols);
  if (last <= first) return out;
  const sums = new Float64Array(frame.cols + 1), line = new Float32Array(frame.cols);
  const left = new Int32Array(width), right = new Int32Array(width);
  for (let i = 0; i < width; i++) {
    left[i] = Math.min(Math.max(cols.low[i] - frame.col0, first), last);
    right[i] = Math.min(Math.max(cols.high[i] - frame.col0, first), last);
  }
  for (let j = 0; j < height; j++) {
    const top = Math.max(rows.low[j] - frame.row0, 0), bottom = Math.min(rows.high[j] - frame.row0, frame.rows);
    if (bottom <= top) continue;
    const n = rows.high[j] - rows.low[j], at = j * width;
    if (n === 1 && cols.high[0] - cols.low[0] === 1) {
      const from = top * frame.cols;
      for (let i = 0; i < width; i++) if (right[i] > left[i]) out[at + i] = values[frame.levels[from + left[i]]];
      continue;
    }
    for (let c = first; c < last; c++) line[c] = values[frame.levels[top * frame.cols + c]];
    for (let r = top + 1; r < bottom; r++) {
      const from = r * frame.cols;
      for (let c = first; c < last; c++) line[c] += values[frame.levels[from + c]];
    }
    let sum = 0;
    for (let c = first; c < last; c++) { sums[c] = sum; sum += line[c]; }
    sums[last] = sum;
    for (let i = 0; i < width; i++)
      if (right[i] > left[i]) out[at + i] = (sums[right[i]] - sums[left[i]]) / (n * (cols.high[i] - cols.low[i]));
  }
  return out;
}

function colour(r, g, b) { return (255 << 24 | b << 16 | g << 8 | r) >>> 0; }

// A palette of 256 colours through evenly spaced stops.
function palette(stops) {
  const out = new Uint32Array(256);
  for (let i = 0; i < 256; i++) {
    const at = i / 255 * (stops.length - 1), k = Math.min(Math.floor(at), stops.length - 2), t = at - k;
    out[i] = colour(...[0, 1, 2].map(c => Math.round(stops[k][c] + t * (stops[k + 1][c] - stops[k][c]))));
  }
  return out;
}

const GRAYS = palette([[10, 12, 14], [250, 250, 250]]);
const HEAT = palette([[0, 0, 4], [40, 11, 84], [101, 21, 110], [159, 42, 99], [212, 72, 66], [245, 125, 21], [250, 193, 39], [252, 255, 164]]);
const VOID = [24, 24, 28], BOTH = [190, 190, 190], CURED = [240, 110, 30], WANTED = [50, 130, 240];  // as `pmsl simulate --pictures`
const OUTSIDE = colour(226, 230, 234);

// Colours of a pixel of which a share is cured and a share designed; both in 0..1.
function compared(cured, designed) {
  const both = Math.min(cured, designed), more = cured - both, less = designed - both, none = 1 - Math.max(cured, designed);
  return colour(...[0, 1, 2].map(c => Math.round(both * BOTH[c] + more * CURED[c] + less * WANTED[c] + none * VOID[c])));
}

const COMPARED = Uint32Array.from({ length: 256 }, (_, byte) => compared((byte >> 4) / 15, (byte & 15) / 15));
const CURED_ONLY = Uint32Array.from({ length: 256 }, (_, byte) => compared((byte >> 4) / 15, (byte >> 4) / 15));
