// Small pictures of numbers.

import { svg } from './dom.js';
import { duration, count } from './format.js';

const WIDTH = 120;
const HEIGHT = 22;

// The last minute, a second a step; what failed in red. It can be told again.
export function sparkline(label) {
  const all = svg('path', { class: 'spark' });
  const failed = svg('path', { class: 'spark bad' });
  const node = svg('svg', { class: 'sparkline', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': label, preserveAspectRatio: 'none' }, all, failed);
  return { node, set: (seconds) => { all.setAttribute('d', steps(seconds, 0)); failed.setAttribute('d', steps(seconds, 1)); } };
}

function steps(seconds, which) {
  const most = Math.max(1, ...seconds.map((one) => one[0]));
  const step = WIDTH / seconds.length;
  let path = '';
  seconds.forEach((one, index) => {
    if (!one[which]) return;
    const height = Math.max(1, (one[which] / most) * (HEIGHT - 1));
    path += `M${(index * step).toFixed(1)} ${HEIGHT}v${(-height).toFixed(1)}h${(step * 0.8).toFixed(1)}v${height.toFixed(1)}z`;
  });
  return path;
}

// Durations by size, on a scale of doublings, with where half and 95 of 100 are.
export function histogram(numbers) {
  const [width, height, foot] = [420, 96, 16];
  const buckets = numbers.histogram_ns;
  const node = svg('svg', { class: 'histogram', viewBox: `0 0 ${width} ${height + foot}`, role: 'img', 'aria-label': `Durations of ${count(numbers.count)} requests: half below ${duration(numbers.p50_ns)}, 95 of 100 below ${duration(numbers.p95_ns)}, the slowest ${duration(numbers.max_ns)}` });
  if (!buckets.length) return node;
  const from = Math.log2(Math.max(1, buckets[0][0])) - 0.2;
  const to = Math.log2(buckets[buckets.length - 1][1]) + 0.2;
  const x = (ns) => ((Math.log2(Math.max(1, ns)) - from) / (to - from)) * width;
  const most = Math.max(...buckets.map((one) => one[2]));
  for (const [low, high, times] of buckets) {
    const tall = Math.max(1.5, (times / most) * (height - 14));
    node.append(svg('rect', { class: 'bar', x: x(low).toFixed(1), y: (height - tall).toFixed(1), width: Math.max(1, x(high) - x(low) - 0.6).toFixed(1), height: tall.toFixed(1) },
      svg('title', {}, `${duration(low)} to ${duration(high)}: ${count(times)}`)));
  }
  for (const [name, value] of [['p50', numbers.p50_ns], ['p95', numbers.p95_ns]]) {
    if (value === null) continue;
    const place = x(value);
    node.append(svg('line', { class: 'mark', x1: place, x2: place, y1: 12, y2: height }),
      svg('text', { class: 'tick', x: Math.min(place + 3, width - 26), y: name === 'p50' ? 9 : 20 }, name));
  }
  let last = -100;
  for (let power = 0; power < 13; power += 1) {
    for (const digit of [1, 3]) {
      const value = digit * 10 ** power;
      const place = x(value);
      if (place < 2 || place > width - 30 || place - last < 52) continue;
      last = place;
      node.append(svg('line', { class: 'axis', x1: place, x2: place, y1: height, y2: height + 3 }),
        svg('text', { class: 'tick', x: place, y: height + 13 }, duration(value).replace('.00', '')));
    }
  }
  node.append(svg('line', { class: 'axis', x1: 0, x2: width, y1: height, y2: height }));
  return node;
}
