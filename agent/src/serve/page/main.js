// Which page is shown, the line above it, and keys.

import { el, fill, link, setText } from './dom.js';
import { bytes, count, many, percent, rate } from './format.js';
import { listen, pause, start, state } from './live.js';
import { open as map } from './map.js';
import { open as operations } from './operations.js';
import { open as traces, openOne } from './traces.js';
import { open as advice } from './advice.js';
import { open as connections } from './connections.js';
import { open as agent } from './agent.js';

const PAGES = { map, operations, traces, advice, connections, agent };
const NAMES = Object.keys(PAGES);
const KEYS = [['1 … 6', 'pages'], ['/', 'search'], ['j k', 'next and previous row'], ['↑ ↓', 'next and previous span of a trace'], ['Enter', 'open the row'], ['z', 'zoom to the span'], ['Backspace', 'back'], ['p', 'pause'], ['?', 'these keys']];
const part = (id) => document.getElementById(id);
const content = part('content');

let view = null;
let asking = null;
let refreshed = 0;

function here() {
  const [path, query] = (location.hash.slice(1) || 'map').split('?');
  const [page, id] = path.split('/');
  return { page, id, parameters: new URLSearchParams(query) };
}

// `quiet`: the same page says where it is; what it shows stays.
function go(hash, quiet) {
  if (quiet) history.replaceState(null, '', hash);
  else location.hash = hash;
}

function show() {
  const { page, id, parameters } = here();
  asking?.abort();
  asking = null;
  refreshed = 0;
  const name = page === 'trace' ? 'traces' : NAMES.includes(page) ? page : 'map';
  view = page === 'trace' ? openOne(content, parameters, go, id ?? '') : PAGES[name](content, parameters, go);
  const own = view;
  const ask = own.refresh;
  // One question at a time; what a page that was left still hears is nothing to anybody.
  own.refresh = async () => {
    asking?.abort();
    const mine = (asking = new AbortController());
    refreshed = Date.now();
    try {
      await ask(mine.signal);
      content.dataset.ready = name;
    } catch (error) {
      if (error.name !== 'AbortError' && view === own) trouble(error);
    } finally {
      if (asking === mine) asking = null;
    }
  };
  for (const one of part('nav').children) one.dataset.page === name ? one.setAttribute('aria-current', 'page') : one.removeAttribute('aria-current');
  document.title = `${name} – wirespan`;
  delete content.dataset.ready;
  scrollTo(0, 0);
  own.refresh();
}

function trouble(error) {
  state.connected = false;
  setText(part('account'), error.status === 401 ? 'A token is needed: open /?token=TOKEN once.' : `The agent does not answer: ${error.message}`);
  part('account').dataset.tone = 'bad';
}

function tellAccount() {
  const told = state.account;
  const line = part('account');
  if (!told) return;
  line.dataset.tone = state.connected ? '' : 'bad';
  const values = [
    state.connected ? null : 'not connected', many(told.targets, 'process', 'processes'), told.requests_rate === undefined ? null : rate(told.requests_rate), `${count(told.requests)} requests`, `${count(told.spans)} spans`,
    `${count(told.exported)} exported`, `${count(told.filtered)} filtered`, [`${count(told.dropped)} dropped`, told.dropped ? 'bad' : ''], `ring ${percent(told.ring_fill_share)}`,
    told.cpu_share === undefined ? null : `${percent(told.cpu_share)} CPU`, bytes(told.memory_bytes), told.missing ? [`${told.missing} missing`, 'warn'] : null,
  ].filter(Boolean);
  fill(line, values.map((value) => (Array.isArray(value) ? el('span', { 'data-tone': value[1] }, value[0]) : el('span', {}, value))));
}

function tellPaused() {
  const button = part('pause');
  button.setAttribute('aria-pressed', String(state.paused));
  setText(button, state.paused ? 'Go on' : 'Pause');
  setText(part('said'), state.paused ? 'Paused' : 'Live');
}

listen((what) => {
  if (what === 'paused') tellPaused();
  tellAccount();
  if (what !== 'account' || state.paused || !view) return;
  if (asking || Date.now() - refreshed < (view.period ?? 1000) - 100) return;
  view.refresh();
});

function back(event) {
  event.preventDefault();
  history.back();
}

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const writing = event.target.closest?.('input, select, textarea');
  if (writing) {
    if (event.key === 'Escape') writing.blur();
    return;
  }
  if (part('help').open) return;
  if (view?.keys?.(event)) return event.preventDefault();
  const page = NAMES[Number(event.key) - 1];
  if (page) location.hash = page;
  else if (event.key === 'p') pause(!state.paused);
  else if (event.key === 'Backspace') back(event);
  else if (event.key === '?') part('help').showModal();
  else if (event.key === '/') { part('search')?.focus(); event.preventDefault(); }
});

fill(part('nav'), NAMES.map((name) => { const one = link(name, {}, name); one.dataset.page = name; return one; }));
fill(part('help'), el('h2', {}, 'Keys'), el('dl', { class: 'numbers' }, KEYS.map(([key, what]) => [el('dt', {}, el('kbd', {}, key)), el('dd', {}, what)])), el('button', { type: 'button', click: () => part('help').close() }, 'Close'));
part('pause').addEventListener('click', () => pause(!state.paused));
part('skip').addEventListener('click', (event) => { event.preventDefault(); content.focus(); });
addEventListener('hashchange', show);
show();
start();
