// Design and predicted solid in 3D, drawn by plotly, whose script the page holds deflated until it is asked for.

const COLOURS = { design: "#8d9aa6", predicted: "#e2711d" };

class Solids {
  constructor(page) {
    this.page = page;
    const button = document.getElementById("draw-solids"), note = document.getElementById("solids-note");
    const solids = page.facts.solids || [];
    document.getElementById("solids-section").hidden = !solids.length;
    button.addEventListener("click", async () => {
      button.disabled = true;
      note.textContent = "reading …";
      try { await this.draw(solids); note.textContent = "Drag: turn. Wheel: zoom. Simplified: sizes are in the tables above."; } catch (error) { note.textContent = `not drawn: ${error.message}`; }
    });
    if (!page.facts.solids_drawn) { button.disabled = true; note.textContent = "Not in this page."; }
  }

  async draw(solids) {
    if (!window.Plotly) {
      const script = document.createElement("script");
      script.textContent = new TextDecoder().decode(await blockBytes("library"));
      document.head.append(script);
    }
    const traces = [], layout = { margin: { l: 0, r: 0, t: 26, b: 0 }, annotations: [], showlegend: false };
    const axis = name => ({ title: { text: `${name} [µm]` } });
    for (const [i, solid] of solids.entries()) {  // side by side: surfaces that coincide would flicker
      const scene = i ? `scene${i + 1}` : "scene";
      traces.push({ ...await this.trace(solid), scene });
      layout[scene] = {
        domain: { x: [i / solids.length, (i + 1) / solids.length] }, aspectmode: "data", xaxis: axis("x"), yaxis: axis("y"), zaxis: axis("z"),
        camera: { eye: { x: -1.7, y: -2.2, z: 1.7 } },
      };
      layout.annotations.push({ text: solid.label, x: (i + 0.5) / solids.length, y: 1, yanchor: "bottom", xref: "paper", yref: "paper", showarrow: false });
    }
    document.getElementById("solids-section").classList.add("drawn");
    const parent = document.getElementById("solids");
    parent.classList.add("drawn");
    await window.Plotly.newPlot(parent, traces, layout, { displaylogo: false, responsive: true });
    this.turnTogether(parent, solids.length);
  }

  // All solids are looked at from the same side.
  turnTogether(parent, n) {
    let busy = false;
    parent.on("plotly_relayout", change => {
      const key = Object.keys(change).find(name => /^scene\d*\.camera$/.test(name));
      if (busy || !key) return;
      busy = true;
      const all = Object.fromEntries(Array.from({ length: n }, (_, i) => [`scene${i ? i + 1 : ""}.camera`, change[key]]));
      window.Plotly.relayout(parent, all).finally(() => { busy = false; });
    });
  }

  async trace(solid) {
    const points = ofWords(await blockBytes(`${solid.name}-points`), Uint16Array), faces = ofWords(await blockBytes(`${solid.name}-faces`), Uint32Array);
    const axis = i => Float64Array.from(points.subarray(i * solid.points, (i + 1) * solid.points), q => solid.low_um[i] + q / 65535 * (solid.high_um[i] - solid.low_um[i]));
    const corner = i => faces.subarray(i * solid.faces, (i + 1) * solid.faces);
    return {
      type: "mesh3d", name: solid.label, x: axis(0), y: axis(1), z: axis(2), i: corner(0), j: corner(1), k: corner(2),
      color: COLOURS[solid.label], flatshading: true, hoverinfo: "x+y+z", lighting: { ambient: 0.5, diffuse: 0.8, specular: 0.05, facenormalsepsilon: 0 }, lightposition: { x: -30000, y: -60000, z: 90000 },
    };
  }
}

function ofWords(bytes, Kind) { return new Kind(bytes.buffer, bytes.byteOffset, bytes.byteLength / Kind.BYTES_PER_ELEMENT); }
