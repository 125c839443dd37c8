// Where services stand on the map: callers left, those whom they call right of them. The same names and calls give the same picture.

const WIDTH = 160;
const HEIGHT = 44;
const GAP = 192;
const LINE = 15;

export const size = { width: WIDTH, height: HEIGHT };

// Calls without those that would close a circle.
function forward(names, edges) {
  const out = new Map(names.map((name) => [name, []]));
  edges.forEach((edge) => out.get(edge.client).push(edge.server));
  const [going, gone, kept] = [new Set(), new Set(), new Map(names.map((name) => [name, []]))];
  const called = new Set(edges.filter((edge) => edge.client !== edge.server).map((edge) => edge.server));
  // Those whom nobody calls begin, so that it is their calls that count as forward.
  const starts = [...names.filter((name) => !called.has(name)), ...names];
  for (const start of starts) {
    const stack = [[start, 0]];
    while (stack.length) {
      const top = stack[stack.length - 1];
      const [name, next] = top;
      if (next === 0) { if (gone.has(name)) { stack.pop(); continue; } going.add(name); }
      const targets = out.get(name);
      if (next < targets.length) {
        top[1] += 1;
        const target = targets[next];
        if (going.has(target)) continue;
        kept.get(name).push(target);
        if (!gone.has(target)) stack.push([target, 0]);
      } else { going.delete(name); gone.add(name); stack.pop(); }
    }
  }
  return kept;
}

function levels(names, kept) {
  const level = new Map(names.map((name) => [name, 0]));
  for (let round = 0, changed = true; changed && round <= names.length; round += 1) {
    changed = false;
    for (const name of names) {
      for (const target of kept.get(name)) {
        if (level.get(target) <= level.get(name)) { level.set(target, level.get(name) + 1); changed = true; }
      }
    }
  }
  // Those whom nobody calls stand next to whom they call: their arrows pass behind nobody.
  const called = new Set(names.flatMap((name) => kept.get(name)));
  for (const name of names) {
    const targets = kept.get(name).map((target) => level.get(target));
    if (!called.has(name) && targets.length) level.set(name, Math.min(...targets) - 1);
  }
  return level;
}

export function layout(nodes, edges) {
  const names = nodes.map((node) => node.name).sort();
  const level = levels(names, forward(names, edges));
  const columns = [];
  names.forEach((name) => (columns[level.get(name)] ??= []).push(name));
  const place = new Map();
  columns.forEach((column) => column.forEach((name, index) => place.set(name, index)));
  // Each column in the order of those that call it, then of those whom it calls; names break ties.
  const near = (name, from, to) => {
    const others = edges.filter((edge) => edge[to] === name && edge[from] !== name).map((edge) => place.get(edge[from]));
    return others.length ? others.reduce((sum, one) => sum + one, 0) / others.length : place.get(name);
  };
  for (const [from, to, order] of [['client', 'server', columns.slice(1)], ['server', 'client', columns.slice(0, -1).reverse()], ['client', 'server', columns.slice(1)]]) {
    for (const column of order) {
      const wanted = new Map(column.map((name) => [name, near(name, from, to)]));
      column.sort((one, other) => wanted.get(one) - wanted.get(other) || (one < other ? -1 : 1));
      column.forEach((name, index) => place.set(name, index));
    }
  }
  // Room for the labels of all that end in a node.
  const lines = new Map(names.map((name) => [name, 0]));
  edges.forEach((edge) => {
    lines.set(edge.server, lines.get(edge.server) + edge.lines);
    lines.set(edge.client, Math.max(lines.get(edge.client), 0));
  });
  const tall = (name) => Math.max(HEIGHT + 26, lines.get(name) * LINE + 16);
  const heights = columns.map((column) => column.reduce((sum, name) => sum + tall(name), 0));
  const height = Math.max(120, ...heights) + 24;
  const at = new Map();
  columns.forEach((column, index) => {
    let y = (height - heights[index]) / 2;
    column.forEach((name) => {
      at.set(name, { x: 12 + index * (WIDTH + GAP), y: y + tall(name) / 2 });
      y += tall(name);
    });
  });
  return { at, width: 24 + columns.length * WIDTH + Math.max(0, columns.length - 1) * GAP, height };
}

// The way of a call, and where its label stands. `wanted`: how high that is, if it stands beside its end; the way ends as near as it can.
export function route(from, to, wanted) {
  if (from === to) {
    const [x, y] = [from.x + WIDTH / 2, from.y - HEIGHT / 2];
    return { path: `M${x - 30} ${y}c-10-34 70-34 60 0`, label: { x: x + 40, y: y - 12 } };
  }
  if (to.x <= from.x) {
    const [x1, x2, y] = [from.x + WIDTH / 2, to.x + WIDTH / 2, Math.max(from.y, to.y) + HEIGHT];
    return { path: `M${x1} ${from.y + HEIGHT / 2}C${x1} ${y + 24} ${x2} ${y + 24} ${x2} ${to.y + HEIGHT / 2 + 4}`, label: { x: (x1 + x2) / 2 - 70, y: y + 6 } };
  }
  const [x1, x2] = [from.x + WIDTH, to.x - 5];
  const bend = Math.min(120, (x2 - x1) / 2);
  const end = Math.max(to.y - HEIGHT / 2 + 6, Math.min(to.y + HEIGHT / 2 - 6, wanted));
  return { path: `M${x1} ${from.y}C${x1 + bend} ${from.y} ${x2 - bend} ${end} ${x2} ${end}`, label: { x: to.x - 172, y: to.y } };
}
