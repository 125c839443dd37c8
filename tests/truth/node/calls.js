// What a server asks, by the plan of xtask/src/truth/plan.rs: `work(id, mode)` before the answer,
// `stream(id)` within it, `late(id, mode)` after it.
// pg's pool is smaller than the load, so is undici's; ioredis has one connection for all.
const { setTimeout: sleep } = require('node:timers/promises');

const Redis = require('ioredis');
const { Pool } = require('pg');
const undici = require('undici');

const { LEAF_PORT, POSTGRES_PORT, REDIS_PORT } = process.env;
const database = new Pool({ host: '127.0.0.1', port: POSTGRES_PORT, user: 'postgres', database: 'postgres', max: 6 });
const redis = new Redis(REDIS_PORT);
const http = new undici.Pool(`http://127.0.0.1:${LEAF_PORT}`, { connections: 6 });

const sql = (name, seconds = 0.002) => database.query(`SELECT pg_sleep(${seconds}) AS "${name}"`);
const get = (name) => redis.get(name);
const leaf = async (name) => (await http.request({ method: 'GET', path: `/leaf/${name}` })).body.text();

exports.work = async (name, mode) => {
  if (mode === 'sequential') {
    await sql(`${name}_s1`);
    await get(`${name}_s2`);
    await leaf(`${name}_s3`);
    await sql(`${name}_s4`);
  } else if (mode === 'fanout') {
    await Promise.all([sql(`${name}_f1`), get(`${name}_f2`), leaf(`${name}_f3`)]);
  } else if (mode === 'timer') {
    await sleep(3);
    await sql(`${name}_t1`);
    await get(`${name}_t2`);
    await leaf(`${name}_t3`);
  }
};

exports.stream = async function* (name) {
  yield 'o';
  await sql(`${name}_c1`);
  await get(`${name}_c2`);
  await leaf(`${name}_c3`);
  yield 'k\n';
};

exports.late = async (name, mode) => {
  if (mode === 'late') {
    await sleep(2);
    await sql(`${name}_l1`);
    await get(`${name}_l2`);
    await leaf(`${name}_l3`);
  }
};

(async () => {
  for (let number = 0; ; number++) {
    await sleep(5);
    const call = [(name) => sql(name, 0), get, leaf][number % 3];
    await call(`bg${number}`).catch(console.error);
  }
})();
