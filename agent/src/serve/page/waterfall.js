// A trace as a tree with bars of time. Only rows that are in sight are elements: a trace of thousands of spans scrolls as one of ten.

import { at, el, fill, link } from './dom.js';
import { count, duration } from './format.js';

const ROW = 24;
const MORE = 8;
const STEP = 12;
// Levels that are indented; deeper ones tell their number.
const DEEPEST = 11;
const PHASES = ['look-up', 'connect', 'TLS', 'authentication', 'queue', 'first byte', 'body', 'time'];

const phaseClass = (name) => 'p-' + name.replace(/[^a-zA-Z]/g, '').toLowerCase();

// A name that may be broken behind its dots.
const broken = (name) => name.split(/(?<=[._])/).map((part) => [part, el('wbr')]);

function pane(told, span) {
  const entries = (values) => Object.entries(values).map(([key, value]) => [el('dt', {}, broken(key)), el('dd', {}, Array.isArray(value) ? value.join(', ') : String(value))]);
  const part = (title, values) => [el('h3', {}, title), el('dl', { class: 'attributes' }, entries(values))];
  const resource = told.resources[span.resource] ?? {};
  return [
    el('h2', {}, span.name), el('p', { class: 'more' }, `${span.service} · ${span.kind}${span.peer ? ` · ${span.peer}` : ''}`),
    span.failed && el('p', { 'data-tone': 'bad' }, [span.code, span.trouble].filter(Boolean).join(' · ') || 'failed'),
    el('dl', { class: 'numbers' }, entries({ 'began after': duration(span.offset_ns), took: duration(span.duration_ns), 'critical path': span.is_critical ? 'yes' : 'no' })),
    el('h3', {}, 'Phases'), el('dl', { class: 'numbers' }, span.phases.map((phase) => [el('dt', {}, el('span', { class: `dot ${phaseClass(phase.phase)}`, 'aria-hidden': 'true' }), phase.phase), el('dd', {}, duration(phase.duration_ns))])),
    part('Attributes', span.attributes),
    span.links.length > 0 && [el('h3', {}, 'Links'), span.links.map((one) => el('p', {}, el('a', { href: at('trace/' + one.trace_id, { span: one.span_id }) }, one.span_id)))],
    part('Process', resource), part('Ids', { trace: span.trace_id, span: span.span_id, parent: span.parent_span_id ?? '–' }),
    el('p', { class: 'links' }, link('traces', { service: span.service, side: span.kind, name: span.name }, span.kind === 'internal' ? null : 'Other traces of this operation')),
  ];
}

function bar(span, window) {
  const node = el('span', { class: 'bars' });
  const put = (className, offset, length) => {
    const left = ((offset - window.from) / window.length) * 100;
    const right = ((offset + length - window.from) / window.length) * 100;
    if (right < 0 || left > 100) return;
    const one = el('i', { class: className });
    one.style.left = `${Math.max(0, left)}%`;
    one.style.width = `max(2px, ${Math.min(100, right) - Math.max(0, left)}%)`;
    node.append(one);
  };
  for (const phase of span.phases) put(`${phaseClass(phase.phase)}${span.failed ? ' failed' : ''}`, phase.offset_ns, phase.duration_ns);
  if (span.is_critical) put('critical', span.offset_ns, span.duration_ns);
  return node;
}

export function waterfall(told, chosenId, choose) {
  const spans = told.spans;
  const earliest = Math.min(0, ...spans.slice(0, 50).flatMap((span) => span.phases.map((phase) => phase.offset_ns)));
  const whole = { from: earliest, length: Math.max(1, told.duration_ns - earliest) };
  let window = whole;
  let chosen = Math.max(0, spans.findIndex((span) => span.span_id === chosenId));
  const axis = el('div', { class: 'axis', 'aria-hidden': 'true' });
  const inside = el('div', { class: 'inside' });
  const list = el('div', { class: 'waterfall', tabindex: '0', role: 'tree', 'aria-label': `Spans, ${count(spans.length)}; up and down choose one` }, inside);
  const side = el('aside', { class: 'side', 'aria-label': 'The span' });
  const used = [...new Set(spans.slice(0, 2000).flatMap((span) => span.phases.map((phase) => phase.phase)))];
  const legend = el('p', { class: 'legend' }, PHASES.filter((phase) => used.includes(phase)).map((phase) => el('span', { class: 'key' }, el('span', { class: `dot ${phaseClass(phase)}` }), phase === 'time' ? 'not told apart' : phase)),
    el('span', { class: 'key' }, el('span', { class: 'dot critical' }), 'critical path'));
  const zoom = el('button', { type: 'button', 'aria-pressed': 'false', title: 'z', click: () => toggleZoom() }, 'Zoom to the span');
  inside.style.height = `${spans.length * ROW}px`;
  let drawn = [-1, -1];

  function row(index) {
    const span = spans[index];
    const deep = Math.min(span.depth, DEEPEST) * STEP;
    const name = el('span', { class: 'what' }, span.depth > DEEPEST && el('small', {}, `${span.depth} `), el('b', {}, span.service), ' ', span.name, span.detail && !span.name.includes(span.detail) && el('small', {}, ` ${span.detail.slice(0, 120)}`));
    name.style.paddingLeft = `${deep}px`;
    const node = el('div', { class: `span${span.failed ? ' bad' : ''}${index === chosen ? ' chosen' : ''}`, role: 'treeitem', id: `span-${index}`, 'aria-level': span.depth + 1, 'aria-selected': String(index === chosen), 'aria-setsize': spans.length, 'aria-posinset': index + 1, title: `${span.service}  ${span.name}  ${span.detail}`, click: () => select(index) },
      name, el('span', { class: 'took' }, duration(span.duration_ns)), bar(span, window));
    node.style.top = `${index * ROW}px`;
    return node;
  }

  function draw(again) {
    const from = Math.max(0, Math.floor(list.scrollTop / ROW) - MORE);
    const to = Math.min(spans.length, Math.ceil((list.scrollTop + list.clientHeight) / ROW) + MORE);
    if (!again && from === drawn[0] && to === drawn[1]) return;
    drawn = [from, to];
    fill(inside, Array.from({ length: to - from }, (_, place) => row(from + place)));
    list.setAttribute('aria-activedescendant', `span-${chosen}`);
  }

  function ticks() {
    fill(axis, [0, 0.25, 0.5, 0.75, 1].map((share) => {
      const tick = el('span', {}, duration(Math.round(window.from + window.length * share)));
      tick.style.left = `${share * 100}%`;
      return tick;
    }));
  }

  function select(index, quiet) {
    chosen = Math.min(spans.length - 1, Math.max(0, index));
    const [top, bottom] = [chosen * ROW, (chosen + 1) * ROW];
    if (top < list.scrollTop) list.scrollTop = top;
    else if (bottom > list.scrollTop + list.clientHeight) list.scrollTop = bottom - list.clientHeight;
    draw(true);
    if (spans[chosen]) fill(side, pane(told, spans[chosen]));
    if (!quiet) choose(spans[chosen].span_id);
  }

  function toggleZoom() {
    const span = spans[chosen];
    const start = Math.min(span.offset_ns, ...span.phases.map((phase) => phase.offset_ns));
    window = window === whole ? { from: start, length: Math.max(1, span.offset_ns + span.duration_ns - start) } : whole;
    zoom.setAttribute('aria-pressed', String(window !== whole));
    ticks();
    draw(true);
  }

  const moves = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, PageDown: 20, PageUp: -20, Home: -Infinity, End: Infinity };
  list.addEventListener('scroll', () => requestAnimationFrame(() => draw()));
  new ResizeObserver(() => draw(true)).observe(list);
  return {
    node: el('div', { class: 'split trace' }, el('div', { class: 'fall' }, el('div', { class: 'bar small' }, legend, zoom), axis, list), side),
    placed: () => { ticks(); select(chosen, true); },
    chosen: () => spans[chosen]?.span_id,
    keys(event) {
      if (event.key === 'z') { toggleZoom(); return true; }
      if (!(event.key in moves) || (side.contains(document.activeElement) && event.key.length > 1)) return false;
      select(chosen + moves[event.key]);
      return true;
    },
  };
}
