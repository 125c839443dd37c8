// What the agent tells: an event a second while somebody looks, and answers to questions. A page that is hidden or paused asks for nothing.

export const state = { account: null, paused: false, connected: false, refused: false };

const listeners = new Set();
let source = null;
let past = null;

export function listen(listener) {
  listeners.add(listener);
}

function tell(what) {
  listeners.forEach((listener) => listener(what));
}

export async function ask(path, parameters, signal) {
  const given = Object.entries(parameters ?? {}).filter(([, value]) => value !== undefined && value !== null && value !== '');
  const query = new URLSearchParams(given).toString();
  const answer = await fetch(`api/${path}${query ? '?' + query : ''}`, { signal, cache: 'no-store' });
  if (!answer.ok) throw Object.assign(new Error((await answer.text()).trim() || answer.statusText), { status: answer.status });
  return answer.json();
}

function heard(event) {
  const account = JSON.parse(event.data);
  const seconds = past && (account.now_unix_ns - past.now_unix_ns) / 1e9;
  if (seconds > 0.2) {
    account.cpu_share = Math.max(0, (account.cpu_seconds - past.cpu_seconds) / seconds);
    account.requests_rate = Math.max(0, (account.requests - past.requests) / seconds);
  }
  past = account;
  Object.assign(state, { account, connected: true, refused: false });
  tell('account');
}

export function start() {
  stop();
  if (document.hidden || state.paused) return;
  source = new EventSource('api/events');
  source.onmessage = heard;
  source.onerror = () => {
    state.connected = false;
    // One that was refused, for lack of a place or of a token, does not try again by itself.
    if (source?.readyState === EventSource.CLOSED) { state.refused = true; setTimeout(() => source?.readyState === EventSource.CLOSED && start(), 5000); }
    tell('lost');
  };
}

function stop() {
  source?.close();
  source = null;
  past = null;
}

export function pause(paused) {
  state.paused = paused;
  if (paused) stop(); else start();
  tell('paused');
}

document.addEventListener('visibilitychange', () => (document.hidden ? stop() : start()));
