// Numbers for people: three digits and a unit, as everywhere else in wirespan.

function three(value) {
  return value < 9.995 ? value.toFixed(2) : value < 99.95 ? value.toFixed(1) : value.toFixed(0);
}

export function duration(ns) {
  if (ns === null || ns === undefined) return '–';
  if (ns < 0) return '−' + duration(-ns);
  if (ns < 1e3) return `${Math.round(ns)} ns`;
  if (ns < 999.5e3) return `${three(ns / 1e3)} µs`;
  if (ns < 999.5e6) return `${three(ns / 1e6)} ms`;
  if (ns < 120e9) return `${three(ns / 1e9)} s`;
  if (ns < 7200e9) return `${Math.round(ns / 60e9)} min`;
  return `${three(ns / 3600e9)} h`;
}

export function rate(value) {
  if (!value) return '0/s';
  return value < 0.995 ? `${value.toFixed(2)}/s` : value < 9.95 ? `${value.toFixed(1)}/s` : `${count(Math.round(value))}/s`;
}

export function count(value) {
  return value === null || value === undefined ? '–' : Math.round(value).toLocaleString('en').replaceAll(',', '\u202f');
}

export function percent(share) {
  if (!share) return '–';
  const value = share * 100;
  return value < 0.1 ? '<0.1 %' : value < 9.95 ? `${value.toFixed(1)} %` : `${value.toFixed(0)} %`;
}

export function bytes(value) {
  if (value === null || value === undefined) return '–';
  const units = ['B', 'KiB', 'MiB', 'GiB'];
  let at = 0;
  while (value >= 1024 && at < 3) { value /= 1024; at += 1; }
  return at ? `${three(value)} ${units[at]}` : `${value} B`;
}

// The time of day here, of a time since the Unix epoch.
export function clock(unixNs) {
  const date = new Date(unixNs / 1e6);
  const two = (number) => String(number).padStart(2, '0');
  const ms = String(date.getMilliseconds()).padStart(3, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${ms}`;
}

export function many(number, one, more) {
  return `${count(number)} ${number === 1 ? one : more ?? one + 's'}`;
}
