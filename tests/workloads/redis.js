// Redis through ioredis and node-redis: redis.js PORT
const Redis = require('ioredis');
const { createClient } = require('redis');

async function main() {
  const port = +process.argv[2];
  const one = new Redis({ port, host: '127.0.0.1', enableAutoPipelining: true });
  // Sent as one pipeline by the driver itself.
  await Promise.all([1, 2, 3, 4].map((n) => one.set('auto:' + n, n)));
  await one.get('auto:1');
  one.disconnect();
  const two = createClient({ url: 'redis://127.0.0.1:' + port });
  await two.connect();
  await two.set('node', 'x');
  await two.get('node');
  await two.quit();
}

main().catch((error) => { console.error(error); process.exit(1); });
