// Why nothing is there, in a sentence, and what to do next.

import { el } from './dom.js';
import { many } from './format.js';
import { state } from './live.js';

function why(what) {
  const account = state.account;
  if (!account) return ['Waiting for the first word of the agent.', null, 'If this stays, it has ended: its log says why.'];
  if (!account.targets) return ['No process is selected: nothing that runs fits the selectors.', 'wirespan targets', 'tells why, process by process.'];
  if (!account.requests && account.unread) return ['What the selected processes exchange is encrypted, and is not read.', 'wirespan run --tls', 'reads it by the keys of their libraries.'];
  if (!account.requests && account.missing) return [`${many(account.targets, 'process', 'processes')} selected, no request was seen, and something is missing here.`, 'wirespan doctor', 'tells what.'];
  if (!account.requests) return [`${many(account.targets, 'process is', 'processes are')} selected, but nothing was asked of them yet.`, null, 'Send a request; connections that are older than the agent are understood from their next request on.'];
  return [what, null, ''];
}

// `what`: the reason if requests were seen.
export function empty(what) {
  const [sentence, command, rest] = why(what);
  return el('p', { class: 'empty' }, sentence, ' ', command && el('code', {}, command), ' ', rest);
}
