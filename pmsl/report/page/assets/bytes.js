// Bytes of the page: base64 text of its own elements, inflated by the browser.

function bytesOfBase64(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const letters = atob(text), bytes = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
  return bytes;
}

async function inflatedHere(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// Inflates beside the page, so that it goes on drawing; where a browser makes no worker for it, in the page.
class Inflater {
  constructor() {
    this.waiting = new Map();
    this.asked = 0;
    const code = `${inflatedHere}
      onmessage = async ({ data: { id, bytes } }) => {
        try { const out = await inflatedHere(bytes); postMessage({ id, out }, [out.buffer]); } catch (error) { postMessage({ id, error: String(error) }); }
      };`;
    try {
      this.worker = new Worker(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
      this.worker.onmessage = ({ data: { id, out, error } }) => this.done(id, out, error);
      this.worker.onerror = () => this.fail();
    } catch {
      this.worker = null;
    }
  }

  done(id, out, error) {
    const { resolve, reject } = this.waiting.get(id);
    this.waiting.delete(id);
    if (error) reject(new Error(error)); else resolve(out);
  }

  // No worker after all: what waits is inflated here.
  fail() {
    this.worker = null;
    for (const { bytes, resolve, reject } of this.waiting.values()) inflatedHere(bytes).then(resolve, reject);
    this.waiting.clear();
  }

  inflate(bytes) {
    if (!this.worker) return inflatedHere(bytes);
    return new Promise((resolve, reject) => {
      const id = this.asked++;
      this.waiting.set(id, { bytes, resolve, reject });
      this.worker.postMessage({ id, bytes });
    });
  }
}

let inflater = null;

function inflated(bytes) { return (inflater ||= new Inflater()).inflate(bytes); }

// Text of an element that the parser of the page may not have reached yet; it is whole when something follows it.
async function blockText(name) {
  for (;;) {
    const element = document.getElementById(name);
    if (element && (element.nextElementSibling || document.readyState !== "loading")) return element.textContent;
    if (!element && document.readyState !== "loading") return null;
    await new Promise(resolve => setTimeout(resolve, 5));
  }
}

async function blockBytes(name) {
  const text = await blockText(name);
  return text === null ? null : text === "" ? new Uint8Array(0) : inflated(bytesOfBase64(text));
}

// Numbers stored with all their lowest bytes first.
function ofPlanes(bytes, size, Kind) {
  const n = bytes.length / size, out = new Uint8Array(bytes.length);
  for (let plane = 0; plane < size; plane++)
    for (let i = 0, from = plane * n; i < n; i++) out[i * size + plane] = bytes[from + i];
  return new Kind(out.buffer);
}
