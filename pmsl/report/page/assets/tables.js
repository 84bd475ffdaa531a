// Words and tables. All text goes in as text: nothing of a job can become an element.

function row(cells, kinds = []) {
  const made = element("tr");
  cells.forEach((cell, i) => made.append(element(kinds[i] === "head" ? "th" : "td", cell, kinds[i] === "number" ? "number" : undefined)));
  return made;
}

function fillList(list, pairs) {
  list.replaceChildren(...pairs.flatMap(([name, value]) => [element("dt", name), element("dd", value)]));
}

function fillFacts(table, pairs) { table.replaceChildren(...pairs.map(pair => row(pair))); }

function powerText(power) { return shown(power, 4); }

// Exposures of a layer, each with its time, dose, power and offset, and what else is not as usual; `unknown`, in place of doses, where none are.
function fillExposures(table, exposures, chosen, unknown, choose) {
  const head = row(["", "time [s]", "white dose [mJ/cm²]", "power", "offset [µm]"], ["head", "head", "head", "head", "head"]);
  const rows = exposures.map((e, j) => {
    const [dx, dy] = e.offset_um || [0, 0];
    const time = shown(e.time_s) + (e.repeat ? ` × ${e.repeat}` : "");
    const made = row([j, time, unknown || shown(e.white), powerText(e.power), dx || dy ? `${shown(dx)}, ${shown(dy)}` : "–"]);
    made.dataset.exposure = j;
    if (j === chosen) made.className = "chosen";
    made.addEventListener("click", () => choose(j));
    return made;
  });
  const more = exposures.flatMap((e, j) => {
    const words = [];
    if (e.engine) words.push(`engine ${e.engine}`);
    if (e.focus_um) words.push(`focus ${shown(e.focus_um)} µm`);
    if (e.wait_before_s) words.push(`waits ${shown(e.wait_before_s)} s before`);
    if (e.wait_after_s) words.push(`waits ${shown(e.wait_after_s)} s after`);
    if (e.film_lift_um) words.push(`on the film, plate ${shown(e.film_lift_um)} µm up`);
    if (e.relift) words.push("plate lifted before it");
    if (!words.length) return [];
    const cell = element("td", `${j}: ${words.join(", ")}`), made = element("tr");
    cell.colSpan = 5;
    made.append(cell);
    return [made];
  });
  table.replaceChildren(head, ...rows, ...more);
  if (!exposures.length) table.replaceChildren(row(["No light in this layer."]));
}

// What a layer is as a shape, as far as that is known.
function fillLayerFacts(table, layer) {
  const square = value => value >= 1e5 ? `${shown(value * 1e-6, 5)} mm²` : `${shown(value, 5)} µm²`, um = value => value >= 1e4 ? `${shown(value * 1e-3, 5)} mm` : `${shown(value, 5)} µm`;
  const lines = [
    ["Area", layer.area_um2, square], ["Pieces", layer.components, String], ["Largest piece", layer.largest_um2, square], ["Smallest piece", layer.smallest_um2, square],
    ["Perimeter", layer.perimeter_um, um], ["Islands", layer.islands, String], ["Overhang", layer.overhang_um2, square], ["Sealed below", layer.sealed_um2, square],
    ["Peel force, indicative", layer.peel_n, value => `${shown(value, 3)} N`],
  ];
  fillFacts(table, lines.filter(([, value]) => value !== undefined && value !== null).map(([name, value, of]) => [name, of(value)]));
}

function flattened(item, name, out) {
  if (item !== null && typeof item === "object" && !Array.isArray(item) && !("value" in item && "source" in item)) {
    for (const key of Object.keys(item)) flattened(item[key], name ? `${name}.${key}` : key, out);
    return out;
  }
  const sourced = item !== null && typeof item === "object" && "value" in item && "source" in item;
  const text = value => Array.isArray(value) ? JSON.stringify(value) : String(value);
  out.push(sourced ? [name, text(item.value), `${item.class ?? item.class_ ?? ""}: ${item.source}`] : [name, text(item), ""]);
  return out;
}

function fillProfiles(parent, profiles) {
  for (const name of Object.keys(profiles)) {
    const details = element("details"), table = element("table", null, "list");
    details.append(element("summary", `${name[0].toUpperCase()}${name.slice(1)}: ${profiles[name].name}`), table);
    table.append(row(["key", "value", "source"], ["head", "head", "head"]), ...flattened(profiles[name], "", []).map(cells => row(cells)));
    parent.append(details);
  }
}

// Numbers of a prediction; beside them those of the same job without its corrections.
function fillPrediction(table, after, before) {
  const um = value => value === null || value === undefined ? "–" : `${value > 0 ? "+" : ""}${shown(value, 3)} µm`;
  const volume = value => `${shown(value * 1e-9, 4)} mm³`;
  const lines = [
    ["Intersection over union with the design", p => p.iou === null ? "–" : p.iou.toFixed(4)],
    ["Walls, median (+ outside the design)", p => um(p.epe_um.median)],
    ["Walls, 95 % within", p => um(p.epe_um.p95_abs).replace("+", "")],
    ["Faces to the light, median (+ higher)", p => um(p.z_error_um.up.median)],
    ["Faces to the plate, median (+ higher)", p => um(p.z_error_um.down.median)],
    ["Faces to the plate, 95 % within", p => um(p.z_error_um.down.p95_abs).replace("+", "")],
    ["Designed volume", p => volume(p.volume_um3.design)],
    ["Printed volume", p => volume(p.volume_um3.printed)],
    ["Printed outside of the design", p => volume(p.volume_um3.outside_design)],
    ["Voids that gel", p => volume(p.volume_um3.gelled_void)],
    ["Features lost", p => String(p.lost)],
    ["Channels open, of all", p => `${p.openings.filter(o => !o.blocked).length} of ${p.openings.length}`],
  ];
  const head = before ? ["", "Without corrections", "As corrected"] : ["", "Predicted"];
  table.replaceChildren(row(head, head.map(() => "head")), ...lines.map(([name, of]) => row(before ? [name, of(before), of(after)] : [name, of(after)])));
}
