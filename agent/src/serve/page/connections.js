// Connections, open and ended, with what the kernel says of them.

import { at, el, fill, link } from './dom.js';
import { bytes, count, duration, many } from './format.js';
import { ask } from './live.js';
import { empty } from './empty.js';
import { table } from './table.js';

export function open(root, parameters, go) {
  const ended = parameters.get('ended') === 'true';
  const search = el('input', { type: 'search', id: 'search', value: parameters.get('q') ?? '', placeholder: 'service=shop port=5432 status=error …', 'aria-label': 'Filter', autocomplete: 'off', spellcheck: 'false' });
  const [none, open, over] = [el('div'), link('connections', { q: search.value }, 'open'), link('connections', { q: search.value, ended: 'true' }, 'ended')];
  let now = 0;
  const age = (row) => (ended ? row.ended_unix_ns : now) - row.opened_unix_ns;
  const parts = (row) => row.set_up_parts.map((part) => `${part.part} ${duration(part.duration_ns)}`).join(', ');
  const list = table({
    label: ended ? 'Connections that ended lately' : 'Open connections',
    key: (row) => String(row.id),
    sorted: ['service', false],
    rowClass: (row) => (row.set_up_error || row.failed ? 'bad' : ''),
    columns: [
      { key: 'service', label: 'Service', class: 'name', cell: (row) => row.service, sort: (row) => row.service },
      { key: 'side', label: 'Side', wide: true, cell: (row) => row.side ?? '–', sort: (row) => row.side ?? '' },
      { key: 'peer', label: 'Other end', class: 'name', cell: (row) => row.peer || row.remote, sort: (row) => row.peer || row.remote, hint: (row) => `${row.local} – ${row.remote}, process ${row.pid}` },
      { key: 'protocol', label: 'Speaks', cell: (row) => (row.protocol || '–') + (row.encrypted ? ' · TLS' : ''), sort: (row) => row.protocol },
      { key: 'age', label: ended ? 'Lasted' : 'Age', number: true, cell: (row) => (row.from_start ? '' : '≥ ') + duration(Math.max(0, age(row))), sort: age, hint: (row) => (row.from_start ? '' : 'older than the agent, or not followed from its set-up') },
      { key: 'set_up', label: 'Set-up', number: true, cell: (row) => (row.set_up_ns === null ? '–' : duration(row.set_up_ns)), sort: (row) => row.set_up_ns, hint: parts },
      { key: 'rtt', label: 'RTT', title: 'Smoothed round-trip time, as the kernel says', number: true, wide: true, cell: (row) => duration(row.kernel?.rtt_ns), sort: (row) => row.kernel?.rtt_ns },
      { key: 'again', label: 'Sent again', title: 'Segments that were sent again', number: true, wide: true, cell: (row) => count(row.kernel?.retransmits), sort: (row) => row.kernel?.retransmits, tone: (row) => (row.kernel?.retransmits ? 'warn' : '') },
      { key: 'sent', label: 'Sent', number: true, wide: true, cell: (row) => bytes(row.kernel?.bytes_sent), sort: (row) => row.kernel?.bytes_sent },
      { key: 'received', label: 'Received', number: true, wide: true, cell: (row) => bytes(row.kernel?.bytes_received), sort: (row) => row.kernel?.bytes_received },
      { key: 'requests', label: 'Requests', number: true, cell: (row) => count(row.requests) + (row.failed ? ` (${count(row.failed)} failed)` : ''), sort: (row) => row.requests, tone: (row) => (row.failed ? 'bad' : '') },
      { key: 'last', label: ended ? 'Ended' : 'Asked last', class: 'long', wide: true, cell: (row) => (ended ? row.set_up_error ?? row.ended_how : row.last_request), sort: (row) => row.last_request, hint: (row) => row.last_request },
    ],
  });
  search.addEventListener('input', () => { go(at('connections', { q: search.value, ended: ended || undefined }), true); view.refresh(); });
  fill(root, el('div', { class: 'bar' }, el('h1', {}, 'Connections'), search, el('span', { class: 'switch' }, open, ' ', over)), none, list.node);
  (ended ? over : open).setAttribute('aria-current', 'true');
  const view = {
    async refresh(signal) {
      const told = await ask('connections', { q: search.value, ended: ended || undefined }, signal);
      now = told.now_unix_ns;
      list.set(told.connections);
      list.node.hidden = !told.connections.length;
      fill(open, `${count(told.open)} open`);
      fill(over, `${count(told.ended)} ended lately`);
      const what = search.value ? 'No connection fits the filter.' : ended ? 'No connection has ended yet.' : `No connection is open now; ${many(told.ended, 'one')} ended lately.`;
      fill(none, told.connections.length ? null : empty(what));
    },
    keys: (event) => (event.key === 'j' ? list.move(1) : event.key === 'k' ? list.move(-1) : false),
  };
  return view;
}
