// The agent's account of itself: what it was granted, what it saw, what it lost and why; and which processes it traces.

import { el, fill } from './dom.js';
import { bytes, count, duration, many, percent } from './format.js';
import { ask, state } from './live.js';

function numbers(entries) {
  return el('dl', { class: 'numbers' }, entries.map(([name, value, tone]) => [el('dt', {}, name), el('dd', { 'data-tone': tone }, value)]));
}

function part(title, ...inside) {
  return el('section', { class: 'part' }, el('h2', {}, title), inside);
}

function counters(list, none) {
  return list.length ? numbers(list.map((one) => [one.name, count(one.count)])) : el('p', { class: 'more' }, none);
}

function account(told) {
  const granted = told.hooks.filter((hook) => hook.granted).length;
  return [
    part('Seen', numbers([
      ['since', `${duration(told.seen_ns)} ago`], ['processes traced', count(told.targets)], ['connections followed', count(told.connections)], ['calls that moved bytes', count(told.calls)],
      ['requests understood', count(told.requests)], ['unread: encrypted or not known', count(told.unread), told.unread ? 'warn' : undefined], ['spans', count(told.spans)], ['delivered', count(told.exported)],
      ['filtered', count(told.filtered)], ['dropped', count(told.dropped), told.dropped ? 'bad' : undefined]])),
    part('Cost', numbers([
      ['processor', state.account?.cpu_share === undefined ? `${told.cpu_seconds.toFixed(1)} s` : `${percent(state.account.cpu_share)} of one, ${told.cpu_seconds.toFixed(1)} s in all`], ['memory', bytes(told.memory_bytes)], ['ring buffer, at most', percent(told.ring_fill_share), told.ring_fill_share > 0.5 ? 'warn' : undefined],
      ['kept for this page', `${bytes(told.kept_bytes)} of ${bytes(told.kept_limit_bytes)}`], ['traces kept', count(told.kept.kept)], ['traces let go of', count(told.kept.let_go)], ['spans too late', count(told.kept.late)]])),
    part('Missing', told.missing.length ? el('ul', {}, told.missing.map((line) => el('li', {}, line))) : el('p', { class: 'more' }, 'Nothing: the kernel grants all that is used.')),
    part('Lost or left out, and why', counters([...told.losses, ...told.left_out], 'Nothing was lost or left out.')),
    part(`Hooks: ${granted} of ${told.hooks.length} granted`, el('p', { class: 'more' }, `Linux ${told.kernel}, backend ${told.backend}, wirespan ${told.version}`),
      el('ul', { class: 'hooks' }, told.hooks.map((hook) => el('li', { 'data-tone': hook.granted ? 'good' : 'warn' }, el('span', { 'aria-hidden': 'true' }, hook.granted ? '✓ ' : '✗ '), hook.name, !hook.granted && ' (not granted)')))),
    part('Counters of the kernel half', counters(told.counters, 'None has counted yet.')),
  ];
}

function why(process) {
  const reason = process.why ?? process.reason;
  return typeof reason === 'string' ? reason : reason ? JSON.stringify(reason) : '';
}

function processes(title, list, left) {
  const rows = list.map((process) => el('tr', {}, el('td', { class: 'number' }, process.pid), el('td', { class: 'name' }, process.service ?? process.comm), el('td', { class: 'long wide', title: process.exe }, process.exe), el('td', { class: 'wide' }, (process.listening ?? []).join(', ')), el('td', { class: 'why' }, why(process))));
  const head = ['Process', 'Name', 'Program', 'Listens on', 'Why'].map((name, index) => el('th', { scope: 'col', class: [index === 0 && 'number', (index === 2 || index === 3) && 'wide'].filter(Boolean).join(' ') || undefined }, el('span', {}, name)));
  return part(title, list.length ? el('div', { class: 'scroll' }, el('table', { class: 'rows' }, el('thead', {}, el('tr', {}, head)), el('tbody', {}, rows))) : el('p', { class: 'empty' }, 'None: nothing that runs fits the selectors. Start the agent with others; ', el('code', {}, 'wirespan targets --select …'), ' tries them.'), left);
}

export function open(root) {
  const [own, who] = [el('div', { class: 'parts-of-agent' }), el('div')];
  fill(root, el('div', { class: 'bar' }, el('h1', {}, 'Agent')), own, who);
  let asked = 0;
  return {
    period: 2000,
    async refresh(signal) {
      fill(own, account(await ask('agent', {}, signal)));
      // Who is there changes slowly, and is much to tell.
      if (Date.now() - asked < 10000) return;
      const told = await ask('targets', {}, signal);
      asked = Date.now();
      const others = el('details', {}, el('summary', {}, `${many(told.others?.length ?? 0, 'other process', 'other processes')}, and why not`), processes('Not traced', told.others ?? []));
      fill(who, el('p', { class: 'more' }, 'Selected by: ', el('code', {}, (told.selectors ?? []).join(' ; ') || 'everything')), processes('Traced', told.targets ?? []), others);
    },
  };
}
