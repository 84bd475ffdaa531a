// Fields of a plate: their borders, the bands that neighbours share, and the way from picture to picture.

// Draws the fields of a layer over its picture; returns what was drawn, for whoever wants to know.
function drawFields(context, box, range, fields, layer, exposures, chosen) {
  const phase = fields.phases[layer % fields.phases.length], scale = box.width / (range.x1 - range.x0);
  const x = um => box.left + (um - range.x0) * scale, y = um => box.top + (range.y1 - um) * scale;
  const [wide, high] = fields.size_um, [plateWide, plateHigh] = fields.plate_um, lit = exposures.map(e => e.corner_um);
  const drawn = { borders: 0, bands: 0, way: [], chosen: null };
  context.save();
  context.beginPath(); context.rect(box.left, box.top, box.width, box.height); context.clip();
  context.fillStyle = "rgba(255, 176, 32, 0.22)";
  for (const [from, to] of phase.x.bands) { context.fillRect(x(from), y(plateHigh), Math.max(1, (to - from) * scale), plateHigh * scale); drawn.bands++; }
  for (const [from, to] of phase.y.bands) { context.fillRect(x(0), y(to), plateWide * scale, Math.max(1, (to - from) * scale)); drawn.bands++; }
  context.strokeStyle = "rgba(40, 150, 255, 0.7)"; context.lineWidth = 1; context.setLineDash([5, 4]);
  for (const left of phase.x.corners) for (const low of phase.y.corners) { context.strokeRect(x(left), y(low + high), wide * scale, high * scale); drawn.borders++; }
  context.setLineDash([]);
  drawn.way = lit.map(([left, low]) => [left + wide / 2, low + high / 2]);
  context.strokeStyle = context.fillStyle = "#2896ff"; context.lineWidth = 1.5;
  context.beginPath();
  drawn.way.forEach(([u, v], i) => { if (i) context.lineTo(x(u), y(v)); else context.moveTo(x(u), y(v)); });
  context.stroke();
  context.font = FONT; context.textAlign = "center"; context.textBaseline = "middle";
  drawn.way.forEach(([u, v], i) => {
    context.fillStyle = i === chosen ? "#ff6a2b" : "#2896ff";
    context.beginPath(); context.arc(x(u), y(v), 9, 0, 2 * Math.PI); context.fill();
    context.fillStyle = "#fff";
    context.fillText(String(i), x(u), y(v));
  });
  if (lit[chosen]) {
    drawn.chosen = lit[chosen];
    context.strokeStyle = "#ff6a2b"; context.lineWidth = 2;
    context.strokeRect(x(lit[chosen][0]), y(lit[chosen][1] + high), wide * scale, high * scale);
  }
  context.restore();
  return drawn;
}
