// An account's balance from PostgreSQL and its currency from Redis: Express, pg and ioredis.
const express = require('express');
const Redis = require('ioredis');
const { Pool } = require('pg');

const { PORT, POSTGRES_PORT, REDIS_PORT } = process.env;
const sql = new Pool({ host: '127.0.0.1', port: POSTGRES_PORT, user: 'postgres', database: 'postgres' });
const redis = new Redis(REDIS_PORT);
const app = express();

app.get('/accounts/:number', async (request, response) => {
  const number = Number(request.params.number);
  const { rows } = await sql.query('SELECT abalance FROM pgbench_accounts WHERE aid = $1', [number]);
  response.json({ account: number, balance: rows[0].abalance, currency: await redis.get('currency') });
});

app.listen(PORT, '127.0.0.1');
