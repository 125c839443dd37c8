// Who calls whom.

import { at, el, fill, link, safe, svg } from './dom.js';
import { count, duration, percent, rate } from './format.js';
import { ask } from './live.js';
import { empty } from './empty.js';
import { layout, route, size } from './layout.js';
import { table } from './table.js';

const LINE = 15;

// Where it hurts: failures first, then callers that wait for connections rather than for answers.
export function tone(call) {
  if (call.failed_share >= 0.01) return 'bad';
  if (call.set_up_share >= 0.25) return 'warn';
  return '';
}

function lines(call) {
  const told = [[`${call.protocol || 'connects'}${call.encrypted ? ' TLS' : ''} ${rate(call.rate_per_second)} p95 ${duration(call.p95_ns)}`, '']];
  if (call.failed) told.push([`${percent(call.failed_share)} failed`, 'bad']);
  if (call.set_up_share >= 0.01) told.push([`${percent(call.set_up_share)} is set-up`, call.set_up_share >= 0.25 ? 'warn' : '']);
  return told;
}

function said(call) {
  return `${call.client} calls ${call.server}: ${lines(call).map((line) => line[0]).join(', ')}`;
}

function short(name) {
  const text = safe(name);
  return text.length > 17 ? text.slice(0, 8) + '…' + text.slice(-8) : text;
}

function pairs(calls) {
  const all = new Map();
  for (const call of calls) {
    const id = JSON.stringify([call.client, call.server]);
    const pair = all.get(id) ?? { client: call.client, server: call.server, calls: [], lines: 0 };
    pair.calls.push(call);
    pair.lines += lines(call).length;
    all.set(id, pair);
  }
  return [...all.values()];
}

function drawNode(node, place, calls) {
  const hurt = calls.filter((call) => call.server === node.name).map(tone);
  const worst = hurt.includes('bad') ? 'bad' : hurt.includes('warn') ? 'warn' : '';
  const asked = calls.filter((call) => call.server === node.name).reduce((sum, call) => sum + call.rate_per_second, 0);
  const target = node.watched ? at('operations', { q: `service in (${node.name})` }) : at('operations', { q: `peer in (${node.name})` });
  return svg('a', { href: target, class: `node ${node.watched ? 'watched' : 'heard'} ${worst}`, 'aria-label': `${node.name}, ${node.watched ? 'watched' : 'only heard of'}${asked ? `, asked ${rate(asked)}` : ''}` },
    svg('title', {}, node.name),
    svg('rect', { x: place.x, y: place.y - size.height / 2, width: size.width, height: size.height, rx: 7 }),
    svg('text', { class: 'name', x: place.x + 12, y: place.y - 2 }, short(node.name)),
    svg('text', { class: 'more', x: place.x + 12, y: place.y + 14 }, node.watched ? (asked ? `asked ${rate(asked)}` : 'service') : 'not watched'));
}

// The way, and apart from it what stands on it: texts are above all ways.
function drawPair(pair, places, beside) {
  const way = route(places.get(pair.client), places.get(pair.server), beside === undefined ? 0 : beside - 11 + (pair.lines * LINE) / 2);
  const tones = pair.calls.map(tone);
  const worst = tones.includes('bad') ? 'bad' : tones.includes('warn') ? 'warn' : '';
  const busy = pair.calls.reduce((sum, call) => sum + call.rate_per_second, 0);
  const texts = pair.calls.flatMap(lines).map(([text, hurt], index) => svg('text', { class: `label ${hurt}`, x: way.label.x, y: (beside ?? way.label.y) + index * LINE }, text));
  return [svg('g', { class: `edge ${worst}`, role: 'img', 'aria-label': pair.calls.map(said).join('; ') },
    svg('path', { d: way.path, 'stroke-width': (1.2 + Math.min(4, Math.log10(1 + busy))).toFixed(1), 'marker-end': 'url(#arrow)' })), svg('g', { 'aria-hidden': 'true' }, texts)];
}

function draw(told) {
  const all = pairs(told.calls);
  const plan = layout(told.nodes, all);
  const labels = new Map();
  for (const node of told.nodes) {
    const into = all.filter((pair) => pair.server === node.name && plan.at.get(pair.client).x < plan.at.get(node.name).x);
    // From top to bottom as those who call stand.
    into.sort((one, other) => plan.at.get(one.client).y - plan.at.get(other.client).y || (one.client < other.client ? -1 : 1));
    let y = plan.at.get(node.name).y - (into.reduce((sum, pair) => sum + pair.lines, 0) * LINE) / 2 + 11;
    for (const pair of into) { labels.set(pair, y); y += pair.lines * LINE; }
  }
  const drawn = all.map((pair) => drawPair(pair, plan.at, labels.get(pair)));
  const nodes = told.nodes.map((node) => drawNode(node, plan.at.get(node.name), told.calls));
  const arrow = svg('defs', {}, svg('marker', { id: 'arrow', viewBox: '0 0 8 8', refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, markerUnits: 'userSpaceOnUse', orient: 'auto' }, svg('path', { d: 'M0 0l8 4-8 4z' })));
  return svg('svg', { class: 'map', width: plan.width, height: plan.height + 28, viewBox: `0 0 ${plan.width} ${plan.height + 28}`, role: 'group', 'aria-label': 'Map of services and calls' }, arrow, drawn.map((one) => one[0]), drawn.map((one) => one[1]), nodes);
}

export function open(root, parameters, go) {
  const over = parameters.get('over') === 'all' ? 'all' : 'minute';
  const picture = el('div', { class: 'scroll picture', tabindex: '0', role: 'region', 'aria-label': 'Map' });
  const calls = table({
    label: 'Calls',
    key: (call) => JSON.stringify([call.client, call.server, call.protocol]),
    sorted: ['failed', true],
    rowClass: tone,
    open: (call) => go(at('operations', { q: `peer in (${call.server})` })),
    columns: [
      { key: 'client', label: 'From', cell: (call) => call.client, sort: (call) => call.client, class: 'name' },
      { key: 'server', label: 'To', cell: (call) => call.server, sort: (call) => call.server, class: 'name' },
      { key: 'protocol', label: 'Speaks', cell: (call) => (call.protocol || '–') + (call.encrypted ? ' · TLS' : ''), sort: (call) => call.protocol },
      { key: 'rate', label: 'Rate', number: true, cell: (call) => rate(call.rate_per_second), sort: (call) => call.rate_per_second },
      { key: 'failed', label: 'Failed', number: true, cell: (call) => percent(call.failed_share), sort: (call) => call.failed_share, tone: (call) => (call.failed_share >= 0.01 ? 'bad' : '') },
      { key: 'p50', label: 'p50', number: true, wide: true, cell: (call) => duration(call.p50_ns), sort: (call) => call.p50_ns },
      { key: 'p95', label: 'p95', number: true, cell: (call) => duration(call.p95_ns), sort: (call) => call.p95_ns },
      { key: 'set_up', label: 'Set-up', title: 'Share of the waiting that was the set-up of connections', number: true, cell: (call) => percent(call.set_up_share), sort: (call) => call.set_up_share, tone: (call) => (call.set_up_share >= 0.25 ? 'warn' : '') },
      { key: 'set_ups', label: 'Opened', title: 'Connections that were set up, since the beginning', number: true, wide: true, cell: (call) => count(call.set_ups), sort: (call) => call.set_ups },
      { key: 'mean', label: 'Each', title: 'What the set-up of a connection took on average', number: true, wide: true, cell: (call) => (call.set_ups ? duration(call.set_up_sum_ns / call.set_ups) : '–'), sort: (call) => (call.set_ups ? call.set_up_sum_ns / call.set_ups : 0) },
    ],
  });
  const none = el('div');
  fill(root, el('div', { class: 'bar' }, el('h1', {}, 'Map'),
    el('span', { class: 'switch' }, link('map', {}, 'last minute'), ' ', link('map', { over: 'all' }, 'since the start')),
    el('span', { class: 'legend' }, el('span', { class: 'key watched' }, 'watched'), el('span', { class: 'key heard' }, 'only heard of'), el('span', { class: 'key bad' }, 'fails'), el('span', { class: 'key warn' }, 'waits for connections'))), none, picture, calls.node);
  root.querySelectorAll('.switch a')[over === 'all' ? 1 : 0].setAttribute('aria-current', 'true');
  let before = '';
  return {
    async refresh(signal) {
      const told = await ask('map', { over }, signal);
      const is = told.nodes.length > 0;
      fill(none, is ? null : empty(over === 'all' ? 'Requests were seen, but none whose ends are known.' : 'Nothing was asked in the last minute; the whole time is under “since the start”.'));
      picture.hidden = calls.node.hidden = !is;
      // What is under the pointer or has the focus stays.
      const now = JSON.stringify(told.calls.map((call) => [said(call), tone(call)]).concat(told.nodes));
      if (now !== before) {
        before = now;
        const focused = picture.contains(document.activeElement) && document.activeElement.getAttribute('href');
        fill(picture, is ? draw(told) : null);
        if (focused) [...picture.querySelectorAll('a')].find((one) => one.getAttribute('href') === focused)?.focus();
      }
      calls.set(told.calls);
    },
    keys: (event) => (event.key === 'j' ? calls.move(1) : event.key === 'k' ? calls.move(-1) : false),
  };
}
