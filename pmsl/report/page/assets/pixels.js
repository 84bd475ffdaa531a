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

// Whether values of levels lie on a line through 0: then the mean of values is the value of the mean level.
function onLine(values) {
  for (let i = 0; i < 256; i++) if (Math.abs(values[i] * 255 - values[255] * i) > 1e-6 * values[255] * 255) return false;
  return true;
}

// Means of values[level] under every screen pixel: (height, width) Float32Array; 0 outside of the frame's window.
function means(frame, rows, cols, values) {
  const width = cols.low.length, height = rows.low.length, out = new Float32Array(width * height);
  const first = Math.max(Math.min(cols.low[0], cols.low[width - 1]) - frame.col0, 0);
  const last = Math.min(Math.max(cols.high[0], cols.high[width - 1]) - frame.col0, frame.cols);
  if (last <= first) return out;
  const left = new Int32Array(width), right = new Int32Array(width), weights = new Float64Array(width);
  for (let i = 0; i < width; i++) {
    weights[i] = 1 / (cols.high[i] - cols.low[i]);
    left[i] = Math.min(Math.max(cols.low[i] - frame.col0, first), last);
    right[i] = Math.min(Math.max(cols.high[i] - frame.col0, first), last);
  }
  const single = [rows, cols].every(({ low, high }) => low.every((at, i) => high[i] === at + 1));
  const sums = single ? null : frame.cols % 4 === 0 && onLine(values) ? new ByteSums(frame, values[255] / 255, first, last) : new ValueSums(frame, values, first, last);
  for (let j = 0; j < height; j++) {
    const top = Math.max(rows.low[j] - frame.row0, 0), bottom = Math.min(rows.high[j] - frame.row0, frame.rows);
    if (bottom <= top) continue;
    const at = j * width;
    if (single) {
      const from = top * frame.cols;
      for (let i = 0; i < width; i++) if (right[i] > left[i]) out[at + i] = values[frame.levels[from + left[i]]];
      continue;
    }
    writeMeans(sums.along(top, bottom), out, at, left, right, weights, 1 / (sums.divisor * (rows.high[j] - rows.low[j])));
  }
  return out;
}

// Writes the mean of every screen pixel of a row. A function by itself, with arrays of one kind: the browser makes it fast.
function writeMeans(total, out, at, left, right, weights, weight) {
  for (let i = 0; i < left.length; i++) out[at + i] = (total[right[i]] - total[left[i]]) * weights[i] * weight;
}

// Running sums of values along rows top..bottom - 1 of a frame.
class ValueSums {
  constructor(frame, values, first, last) {
    Object.assign(this, { frame, values, first, last, divisor: 1, line: new Float32Array(frame.cols), total: new Float64Array(frame.cols + 1) });
  }

  along(top, bottom) {
    const { line, total, values, first, last } = this, { levels, cols } = this.frame;
    line.fill(0);
    for (let r = top; r < bottom; r++) for (let c = first, at = r * cols + first; c < last; c++, at++) line[c] += values[levels[at]];
    let sum = 0;
    for (let c = first; c < last; c++) { total[c] = sum; sum += line[c]; }
    total[last] = sum;
    return total;
  }
}

// The same of levels times a factor, four pixels at a time: two sums of 16 bits in one number of 32, enough for 256 rows.
class ByteSums {
  constructor(frame, factor, first, last) {
    const words = frame.cols / 4;
    Object.assign(this, {
      first, last, divisor: 1 / factor, words, from: first >> 2, to: last + 3 >> 2, total: new Float64Array(frame.cols + 1),
      frame: new Int32Array(frame.levels.buffer, frame.levels.byteOffset, frame.rows * words), even: new Int32Array(words), odd: new Int32Array(words),
    });
  }

  along(top, bottom) {
    const { frame, words, from, to, even, odd, total } = this;
    let sum = 0;
    total.fill(0);
    for (let some = top; some < bottom; some += 256) {
      const end = Math.min(bottom, some + 256);
      even.fill(0, from, to); odd.fill(0, from, to);
      for (let r = some; r < end; r++)
        for (let i = from, at = r * words + from; i < to; i++, at++) { const word = frame[at]; even[i] = even[i] + (word & 0xff00ff) | 0; odd[i] = odd[i] + (word >> 8 & 0xff00ff) | 0; }
      sum = 0;
      for (let i = from, c = from * 4; i < to; i++, c += 4) {
        const a = even[i], b = odd[i];
        total[c] += sum; sum = sum + (a & 65535) | 0;
        total[c + 1] += sum; sum = sum + (b & 65535) | 0;
        total[c + 2] += sum; sum = sum + (a >>> 16) | 0;
        total[c + 3] += sum; sum = sum + (b >>> 16) | 0;
      }
      total[to * 4] += sum;
    }
    return total;
  }
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
