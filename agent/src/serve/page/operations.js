// What services answer and ask.

import { at, el, fill, link } from './dom.js';
import { count, duration, percent, rate } from './format.js';
import { ask } from './live.js';
import { empty } from './empty.js';
import { histogram, sparkline } from './chart.js';
import { table } from './table.js';

const id = (row) => JSON.stringify([row.service, row.side, row.name, row.peer]);

function traces(row, more) {
  return { service: row.service, side: row.side, name: row.name, ...more };
}

function details(row) {
  const number = (label, value, tone) => [el('dt', {}, label), el('dd', { 'data-tone': tone }, value)];
  return el('section', { class: 'details', 'aria-label': 'The operation' },
    el('h2', {}, row.name), el('p', { class: 'more' }, row.side === 'server' ? `answered by ${row.service}` : `asked by ${row.service} of ${row.peer || 'somebody'}`),
    histogram(row),
    el('dl', { class: 'numbers' },
      number('requests', count(row.count)), number('failed', row.failed ? `${count(row.failed)} (${percent(row.failed_share)})` : '0', row.failed ? 'bad' : undefined),
      number('p50', duration(row.p50_ns)), number('p95', duration(row.p95_ns)), number('slowest', duration(row.max_ns)),
      number('together', duration(row.sum_ns)), number('set-up', percent(row.set_up_share), row.set_up_share >= 0.25 ? 'warn' : undefined)),
    el('p', { class: 'links' }, 'Traces: ', link('traces', traces(row), 'latest'), ' · ', link('traces', traces(row, { order: 'slowest' }), 'slowest'), ' · ', link('traces', traces(row, { order: 'failed' }), 'failed')));
}

export function open(root, parameters, go) {
  const over = parameters.get('over') === 'all' ? 'all' : 'minute';
  let chosen = parameters.get('row');
  let rows = [];
  const given = () => ({ q: search.value, over: over === 'all' ? 'all' : undefined, row: chosen });
  const search = el('input', { type: 'search', id: 'search', value: parameters.get('q') ?? '', placeholder: 'service=shop status=error …', 'aria-label': 'Filter', autocomplete: 'off', spellcheck: 'false' });
  const side = el('div', { class: 'side' });
  const none = el('div');
  const list = table({
    label: 'Operations',
    key: id,
    sorted: ['sum', true],
    rowClass: (row) => [row.failed_share >= 0.01 ? 'bad' : row.set_up_share >= 0.25 ? 'warn' : '', id(row) === chosen ? 'chosen' : ''].join(' '),
    open: (row) => { chosen = id(row) === chosen ? null : id(row); go(at('operations', given()), true); told(rows); },
    columns: [
      { key: 'service', label: 'Service', cell: (row) => row.service, sort: (row) => row.service, class: 'name' },
      { key: 'name', label: 'Operation', cell: (row) => row.name, sort: (row) => row.name, class: 'long', hint: (row) => row.name },
      { key: 'peer', label: 'Asked of', cell: (row) => row.peer || '·', sort: (row) => row.peer, wide: true, class: 'name' },
      { key: 'rate', label: 'Rate', number: true, cell: (row) => rate(row.rate_per_second), sort: (row) => row.rate_per_second },
      { key: 'failed', label: 'Failed', number: true, cell: (row) => percent(row.failed_share), sort: (row) => row.failed_share, tone: (row) => (row.failed ? 'bad' : '') },
      { key: 'p50', label: 'p50', number: true, wide: true, cell: (row) => duration(row.p50_ns), sort: (row) => row.p50_ns },
      { key: 'p95', label: 'p95', number: true, cell: (row) => duration(row.p95_ns), sort: (row) => row.p95_ns },
      { key: 'sum', label: 'Together', title: 'How long all of them took together', number: true, wide: true, cell: (row) => duration(row.sum_ns), sort: (row) => row.sum_ns },
      { key: 'set_up', label: 'Set-up', title: 'Share of the waiting that was the set-up of connections', number: true, wide: true, cell: (row) => percent(row.set_up_share), sort: (row) => row.set_up_share, tone: (row) => (row.set_up_share >= 0.25 ? 'warn' : '') },
      {
        key: 'seconds', label: 'Last minute', wide: true,
        cell: (row) => { const line = sparkline('Requests by the second'); line.set(row.seconds); line.node.tell = line.set; return line.node; },
        update: (row, node) => node.tell(row.seconds),
      },
    ],
  });
  function told(all) {
    rows = all;
    list.set(rows);
    const row = rows.find((one) => id(one) === chosen);
    fill(side, row && details(row));
    side.hidden = !row;
  }
  search.addEventListener('input', () => { go(at('operations', given()), true); view.refresh(); });
  fill(root, el('div', { class: 'bar' }, el('h1', {}, 'Operations'), search,
    el('span', { class: 'switch' }, link('operations', { q: search.value }, 'last minute'), ' ', link('operations', { q: search.value, over: 'all' }, 'since the start'))),
  none, el('div', { class: 'split' }, list.node, side));
  root.querySelectorAll('.switch a')[over === 'all' ? 1 : 0].setAttribute('aria-current', 'true');
  const view = {
    async refresh(signal) {
      const answer = await ask('operations', { q: search.value, over }, signal);
      told(answer.operations);
      const what = search.value ? 'No operation fits the filter.' : 'Nothing was asked in the last minute; the whole time is under “since the start”.';
      fill(none, answer.all ? null : empty(what), answer.all > answer.operations.length && el('p', { class: 'more' }, `The first ${answer.operations.length} of ${answer.all}.`));
      list.node.hidden = !answer.all;
    },
    keys: (event) => (event.key === 'j' ? list.move(1) : event.key === 'k' ? list.move(-1) : false),
  };
  return view;
}
