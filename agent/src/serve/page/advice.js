// What slows callers down, with what backs it up.

import { at, el, fill } from './dom.js';
import { count, duration, many, percent } from './format.js';
import { ask } from './live.js';
import { empty } from './empty.js';

function parts(list) {
  const rows = list.map((part) => {
    const share = el('i', { class: 'share' });
    share.style.width = `${Math.max(0.5, part.share * 100)}%`;
    return el('tr', {}, el('td', {}, part.name), el('td', { class: 'number' }, duration(part.ms * 1e6)), el('td', { class: 'number' }, percent(part.share)), el('td', { class: 'shares' }, share));
  });
  return el('table', { class: 'parts' }, el('tbody', {}, rows));
}

function finding(one) {
  const about = [one.service, one.peer_label && `→ ${one.peer_label}`, one.route].filter(Boolean).join('  ');
  return el('article', { class: `finding ${one.is_warning ? 'warning' : 'hint'}` },
    el('h2', {}, one.title, ' ', el('span', { class: 'cost', title: 'Time that callers waited because of it' }, one.cost_ms > 0 ? `${duration(one.cost_ms * 1e6)} waited` : '')),
    el('p', { class: 'more' }, about), one.statement && el('pre', {}, one.statement),
    el('p', {}, one.text), one.advice && el('p', { class: 'do' }, one.advice),
    one.parts?.length && parts(one.parts),
    one.evidence?.length && el('ul', {}, one.evidence.map((fact) => el('li', {}, fact))),
    el('p', { class: 'links' }, one.concerned.of > 0 && `${count(one.concerned.count)} of ${count(one.concerned.of)} ${one.concerned.unit}. `,
      one.examples?.length && ['Example traces: ', one.examples.map((example, index) => [index > 0 && ' · ', el('a', { href: at('trace/' + example.trace_id, { span: example.span_id }) }, example.trace_id.slice(0, 8))])]));
}

function routes(list) {
  return [el('h2', {}, 'Where the time of each route goes'), list.map((route) => el('section', { class: 'route' },
    el('h3', {}, `${route.service}  ${route.route}`), el('p', { class: 'more' }, `${many(route.requests, 'request')}, ${duration(route.mean_ms * 1e6)} on average${route.failed ? `, ${count(route.failed)} failed` : ''}`),
    parts(route.parts), route.caveat && el('p', { class: 'more' }, route.caveat)))];
}

export function open(root) {
  const inside = el('div', { class: 'advice' });
  const window = el('span', { class: 'more' });
  fill(root, el('div', { class: 'bar' }, el('h1', {}, 'Advice'), window), inside);
  let before = '';
  return {
    period: 5000,
    async refresh(signal) {
      const told = await ask('advice', {}, signal);
      fill(window, told.version ? `of the last ${duration(told.window.seconds * 1e9)}: ${many(told.window.requests, 'request')}, ${many(told.window.operations, 'call')}, ${many(told.window.connections_opened, 'connection')} opened` : '');
      const now = JSON.stringify([told.findings, told.routes]);
      if (now === before) return;
      before = now;
      if (!told.version) return void fill(inside, el('p', { class: 'empty' }, 'The advisor is switched off: ', el('code', {}, 'wirespan.advisor.interval'), ' is 0 in the configuration.'));
      fill(inside, told.findings.length ? told.findings.map(finding) : empty('Nothing that costs callers time was found in this window.'), told.routes.length > 0 && routes(told.routes));
    },
  };
}
