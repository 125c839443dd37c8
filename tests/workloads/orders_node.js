// An HTTP server that asks others: orders_node.js PORT key=value …
//   pg=PORT redis=PORT http=PORT   whom to ask; what is left out is not asked
//   client=ioredis|redis           client of Redis
//   outgoing=fetch|agent           client of HTTP
//   pool=N                         connections of each pool
//   express=1                      the framework, else node:http
//   hold=1                         a handler keeps its connection of the pool while it asks others
//   pools=2                        every request asks PostgreSQL through another pool, too
//   timer=1                        every handler waits for a timer in the middle
//   background=MS                  somebody asks all of them for `nobody`, so often
// GET /rN asks in the name of rN: Redis, PostgreSQL twice in a row, HTTP, PostgreSQL and Redis at once, and after its answer
// PostgreSQL once more, as rN_late. GET /plain/… asks nobody.
const [port, ...pairs] = process.argv.slice(2);
const options = Object.fromEntries(pairs.map((pair) => pair.split('=')));
const http = require('http');
const size = +(options.pool || 6);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const own = { sql: null, redis: null, http: null };
if (options.pg) {
  const { Pool } = require('pg');
  const pool = new Pool({ host: '127.0.0.1', port: +options.pg, user: 'postgres', database: 'postgres', max: size });
  own.sql = (name) => pool.query(`SELECT 1 AS "${name}"`);
  own.client = () => pool.connect();
  if (options.pools) {
    const other = new Pool({ host: '127.0.0.1', port: +options.pg, user: 'postgres', database: 'postgres', max: size });
    own.session = (name) => other.query(`SELECT 1 AS "${name}"`);
  }
}
async function connect() {
  if (options.redis && options.client === 'redis') {
    const client = require('redis').createClient({ socket: { host: '127.0.0.1', port: +options.redis } });
    await client.connect();
    own.redis = (name) => client.get(name);
  } else if (options.redis) {
    const Redis = require('ioredis');
    const client = new Redis({ host: '127.0.0.1', port: +options.redis });
    own.redis = (name) => client.get(name);
  }
}
if (options.http && options.outgoing === 'agent') {
  const agent = new http.Agent({ keepAlive: true, maxSockets: size });
  own.http = (name) => new Promise((resolve, reject) => {
    const request = http.get({ host: '127.0.0.1', port: +options.http, path: `/plain/${name}`, agent }, (response) => {
      response.resume().on('end', resolve);
    });
    request.on('error', reject);
  });
} else if (options.http) {
  own.http = async (name) => (await fetch(`http://127.0.0.1:${options.http}/plain/${name}`)).text();
}
const of = (kind, name) => (own[kind] ? own[kind](name) : null);

async function holding(name, answer) {
  const client = await own.client();
  await client.query(`SELECT 1 AS "${name}"`);
  await of('http', name);
  await client.query(`SELECT 1 AS "${name}"`);
  await of('http', name);
  client.release();
  await of('sql', name);
  answer();
}

async function handle(name, answer) {
  await of('session', name);
  if (options.hold) return holding(name, answer);
  await of('redis', name);
  if (options.timer) await sleep(5);
  await of('sql', name);
  await of('sql', name);
  await of('http', name);
  await Promise.all([of('sql', name), of('redis', name)]);
  answer();
  await of('sql', `${name}_late`);
}

function listen() {
  const serve = (path, answer) => {
    if (path.startsWith('/r')) handle(path.slice(1), answer).catch((error) => { console.error(error); process.exit(1); });
    else answer();
  };
  if (options.express) {
    const app = require('express')();
    app.use((request, response) => serve(request.path, () => response.send('ok\n')));
    app.listen(+port, '127.0.0.1');
  } else {
    http.createServer((request, response) => serve(request.url, () => response.end('ok\n'))).listen(+port, '127.0.0.1');
  }
}

async function background() {
  for (;;) {
    await sleep(+options.background);
    await Promise.all([of('sql', 'nobody'), of('redis', 'nobody'), of('http', 'nobody')]);
  }
}

connect().then(() => {
  listen();
  if (options.background) background().catch((error) => { console.error(error); process.exit(1); });
});
