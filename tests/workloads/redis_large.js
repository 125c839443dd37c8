// Replies too large to be copied, among small ones: redis_large.js PORT DRIVER
const Redis = require('ioredis');
const { createClient } = require('redis');

const items = Array.from({ length: 500 }, (_, n) => 'item' + n);

async function use(send) {
  await send('DEL', 'large');
  for (let n = 0; n < 30; n++) await send('RPUSH', 'large', ...items);
  for (let n = 0; n < 120; n++) {
    if (n % 10 === 3) await send('LRANGE', 'large', '0', '-1');
    else await send('GET', 'key:' + n);
  }
  // Now and then without waiting.
  for (let n = 120; n < 160; n += 4) {
    await Promise.all([0, 1, 2, 3].map((i) => send('GET', 'key:' + (n + i))));
  }
}

async function main() {
  const [port, driver] = [+process.argv[2], process.argv[3]];
  if (driver === 'ioredis') {
    const one = new Redis({ port, host: '127.0.0.1' });
    await use((name, ...rest) => one.call(name, ...rest));
    await one.quit();
  } else {
    const two = createClient({ url: 'redis://127.0.0.1:' + port });
    await two.connect();
    await use((...words) => two.sendCommand(words));
    await two.quit();
  }
}

main().catch((error) => { console.error(error); process.exit(1); });
