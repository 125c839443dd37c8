// Requests over TLS by drivers of Node.js: tls_drivers.js DRIVER PORT AT_ONCE FROM TO
//
// Each of FROM … TO is asked for once, AT_ONCE at once.
process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
process.removeAllListeners('warning');
const [driver, port, atOnce, first, end] = [process.argv[2], ...process.argv.slice(3).map(Number)];
const host = '127.0.0.1';

async function tasks(ask) {
  let next = first;
  const run = async () => { while (next < end) await ask(next++); };
  await Promise.all(Array.from({ length: atOnce }, run));
}
const over = (stream) => new Promise((resolve, reject) => stream.on('end', resolve).on('error', reject).resume());

async function https(keepAlive) {
  const library = require('https');
  const agent = new library.Agent({ keepAlive, maxSockets: atOnce });
  await tasks((number) => new Promise((resolve, reject) => {
    library.get({ host, port, path: `/?n${number}`, agent }, (answer) => over(answer).then(resolve, reject)).on('error', reject);
  }));
  agent.destroy();
}

const drivers = {
  https: () => https(true),
  https_new: () => https(false),
  fetch: () => tasks(async (number) => (await fetch(`https://${host}:${port}/?n${number}`)).text()),
  async http2() {
    const session = require('http2').connect(`https://${host}:${port}`);
    await tasks((number) => over(session.request({ ':path': `/?n${number}` }).end()));
    session.close();
  },
  async pg() {
    const { Pool } = require('pg');
    const pool = new Pool({ host, port, user: 'postgres', database: 'postgres', max: atOnce, ssl: { rejectUnauthorized: false } });
    await tasks((number) => pool.query(`SELECT 1 AS "n${number}"`));
    await pool.end();
  },
  async ioredis() {
    const client = new (require('ioredis'))({ host, port, tls: { rejectUnauthorized: false } });
    await tasks((number) => client.get(`n${number}`));
    client.disconnect();
  },
  async redis() {
    const client = require('redis').createClient({ socket: { host, port, tls: true, rejectUnauthorized: false } });
    await client.connect();
    await tasks((number) => client.get(`n${number}`));
    await client.quit();
  },
};
drivers[driver]().catch((error) => { console.error(error); process.exit(1); });
