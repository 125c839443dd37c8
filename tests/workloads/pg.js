// PostgreSQL through node-postgres: pg.js PORT
const { Client, Pool } = require('pg');

async function main() {
  const settings = { host: '127.0.0.1', port: +process.argv[2], user: 'postgres', database: 'shop' };
  const client = new Client(settings);
  await client.connect();
  await client.query('SELECT id FROM orders WHERE id = 3');
  await client.query('SELECT note FROM orders WHERE id = $1', [1]);
  for (let n = 0; n < 3; n++) await client.query({ name: 'by-id', text: 'SELECT order_id FROM items WHERE order_id = $1', values: [n] });
  await client.query('SELECT nothing FROM orders WHERE id = $1', [1]).catch((error) => {
    if (error.code !== '42703') throw error;
  });
  await client.query('BEGIN');
  await client.query('UPDATE orders SET note = $1 WHERE id = $2', ['n', 1]);
  await client.query('COMMIT');
  await client.end();
  // Three at once on three connections.
  const pool = new Pool({ ...settings, max: 3 });
  await Promise.all([1, 2, 3].map((n) => pool.query('SELECT pg_sleep($1)', [0.1 * n])));
  await pool.end();
}

main().catch((error) => { console.error(error); process.exit(1); });
