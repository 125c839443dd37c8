// Traces: which there are, and one of them.

import { at, el, fill, link } from './dom.js';
import { clock, count, duration, many } from './format.js';
import { ask } from './live.js';
import { empty } from './empty.js';
import { table } from './table.js';
import { waterfall } from './waterfall.js';

const ORDERS = [['', 'latest'], ['slowest', 'slowest'], ['failed', 'failed first']];

export function open(root, parameters, go) {
  let order = parameters.get('order') ?? '';
  const operation = Object.fromEntries(['service', 'side', 'name'].map((key) => [key, parameters.get(key)]));
  const search = el('input', { type: 'search', id: 'search', value: parameters.get('q') ?? '', placeholder: 'status=error duration>100ms http.route=/pay word …', 'aria-label': 'Search for service, operation, status, duration, attribute, trace or a word', autocomplete: 'off', spellcheck: 'false' });
  const select = el('select', { 'aria-label': 'Order' }, ORDERS.map(([value, label]) => el('option', { value, selected: value === order }, label)));
  const given = () => ({ q: search.value, order, ...operation });
  const [none, kept] = [el('div'), el('p', { class: 'more' })];
  const list = table({
    label: 'Traces',
    key: (row) => row.trace_id,
    sorted: ['', false],
    rowClass: (row) => (row.failed ? 'bad' : ''),
    open: (row) => go(at('trace/' + row.trace_id)),
    columns: [
      { key: 'time', label: 'Began', number: true, cell: (row) => clock(row.start_unix_ns) },
      { key: 'service', label: 'Service', cell: (row) => row.service, class: 'name' },
      { key: 'name', label: 'Operation', class: 'long', cell: (row) => el('a', { href: at('trace/' + row.trace_id) }, row.name), hint: (row) => row.name },
      { key: 'duration', label: 'Took', number: true, cell: (row) => duration(row.duration_ns) },
      { key: 'failed', label: 'Failed', number: true, wide: true, cell: (row) => (row.failed ? count(row.failed) : '–'), tone: (row) => (row.failed ? 'bad' : '') },
      { key: 'spans', label: 'Spans', number: true, wide: true, cell: (row) => count(row.spans) },
      { key: 'services', label: 'Services', number: true, wide: true, cell: (row) => count(row.services) },
      { key: 'set_up', label: 'Set-up', title: 'How long connections were set up for its requests', number: true, wide: true, cell: (row) => (row.set_up_ns ? duration(row.set_up_ns) : '–') },
      { key: 'kept', label: 'Kept as', title: 'Why it is kept: failures and the slowest first, then a sample', wide: true, cell: (row) => row.kept_as },
    ],
  });
  const changed = () => { order = select.value; go(at('traces', given()), true); view.refresh(); };
  search.addEventListener('input', changed);
  select.addEventListener('change', changed);
  const only = operation.side && el('p', { class: 'more' }, `Those with ${operation.name} of ${operation.service}. `, link('traces', { q: search.value }, 'All traces'));
  fill(root, el('div', { class: 'bar' }, el('h1', {}, 'Traces'), search, select), only, none, list.node, kept);
  const view = {
    async refresh(signal) {
      // A whole id leads to its trace.
      const told = await ask('traces', given(), signal);
      list.set(told.traces);
      list.node.hidden = !told.traces.length;
      const what = search.value || operation.side ? 'No trace that is kept fits.' : 'No trace is complete yet.';
      fill(none, told.traces.length ? null : empty(what));
      fill(kept, `${many(told.kept.kept, 'trace')} kept, ${count(told.kept.let_go)} let go of for others; ${count(told.kept.spans)} spans came, ${count(told.kept.late)} of them when their trace was gone or full.`);
    },
    keys: (event) => (event.key === 'j' ? list.move(1) : event.key === 'k' ? list.move(-1) : false),
  };
  return view;
}

export function openOne(root, parameters, go, id) {
  let shown = null;
  let told = null;
  const status = el('p', { class: 'more' }, 'Loading…');
  fill(root, status);
  return {
    // Spans may come late; what is there does not change.
    period: 3000,
    async refresh(signal) {
      try {
        const now = await ask('traces/' + id, {}, signal);
        if (told && now.spans.length === told.spans.length) return;
        told = now;
        shown = waterfall(told, shown?.chosen() ?? parameters.get('span'), (span) => go(at('trace/' + id, { span }), true));
        fill(root, el('div', { class: 'bar' }, el('h1', {}, told.spans[0] ? `${told.spans[0].service}  ${told.spans[0].name}` : 'A trace'),
          el('span', { class: 'more' }, `${clock(told.start_unix_ns)} · ${duration(told.duration_ns)} · ${many(told.spans.length, 'span')}`, told.failed ? ` · ${count(told.failed)} failed` : '', told.cut ? ` · ${many(told.cut, 'span')} found no room` : ''),
          el('code', { class: 'id' }, id)), shown.node);
        shown.placed();
      } catch (error) {
        if (error.status !== 404 && error.status !== 400) throw error;
        if (!told) fill(root, el('div', { class: 'bar' }, el('h1', {}, 'A trace'), el('code', { class: 'id' }, id)), el('p', { class: 'empty' }, 'This trace is not kept: it was let go of for others, or it was never here. ', link('traces', {}, 'Those that are')));
      }
    },
    keys: (event) => shown?.keys(event) ?? false,
  };
}
