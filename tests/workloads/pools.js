// The same work with a connection for each operation, and with a pool: pools.js postgres|redis with|without COUNT ADDRESS PORT
// Over TLS, with a password. Prints what it measured itself, in seconds, as JSON: time in set-ups, time in operations.
const [what, pool, count, address, port] = process.argv.slice(2);
const seconds = () => Number(process.hrtime.bigint()) / 1e9;

const kinds = {
  postgres: {
    async connect() {
      const { Client } = require('pg');
      const ssl = { rejectUnauthorized: false };
      const client = new Client({ host: address, port: +port, user: 'postgres', password: 'secret', database: 'shop', ssl });
      await client.connect();
      return client;
    },
    operation: (client, number) => client.query('SELECT note FROM orders WHERE id = $1', [number % 2 + 1]),
    close: (client) => client.end(),
  },
  redis: {
    connect() {
      const Redis = require('ioredis');
      const client = new Redis({ host: address, port: +port, password: 'secret', tls: { rejectUnauthorized: false } });
      return new Promise((resolve, reject) => {
        client.on('ready', () => resolve(client));
        client.on('error', reject);
      });
    },
    operation: (client, number) => client.get('order:' + number),
    // `quit` would be one more operation.
    close: (client) => client.disconnect(),
  },
};

async function main() {
  const { connect, operation, close } = kinds[what];
  let [setup, used, kept] = [0, 0, null];
  for (let number = 0; number < +count; number++) {
    const begin = seconds();
    const client = kept || await connect();
    const ready = seconds();
    await operation(client, number);
    const done = seconds();
    if (pool === 'with') kept = client; else await close(client);
    setup += ready - begin;
    used += done - ready;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  console.log(JSON.stringify({ setup, operations: used, share: setup / (setup + used) }));
  if (kept) await close(kept);
}

main().catch((error) => { console.error(error); process.exit(1); });
