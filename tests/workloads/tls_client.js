// TLS with Node: tls_client.js ADDRESS PORT NAME CA VERSION full|resumed COUNT
// Prints one line of JSON for each connection, by this program's own clock.
const fs = require('fs');
const net = require('net');
const tls = require('tls');

const [address, port, name, authority, version, mode, count] = process.argv.slice(2);
const secureContext = tls.createSecureContext({
  ca: fs.readFileSync(authority), minVersion: `TLSv${version}`, maxVersion: `TLSv${version}`,
});
let session;

function once() {
  return new Promise((resolve, reject) => {
    const seconds = () => Number(process.hrtime.bigint()) / 1e9;
    const begin = seconds();
    const plain = net.connect({ host: address, port: +port });
    plain.on('error', reject);
    plain.on('connect', () => {
      const connected = seconds();
      const options = { socket: plain, servername: name, secureContext };
      if (mode === 'resumed' && session) options.session = session;
      const stream = tls.connect(options);
      stream.on('session', (ticket) => { session = ticket; });
      stream.on('secureConnect', () => {
        const told = { connect: connected - begin, handshake: seconds() - connected, resumed: stream.isSessionReused() };
        console.log(JSON.stringify(told));
        stream.write('GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n');
      });
      stream.on('data', () => {});
      stream.on('error', reject);
      stream.on('close', resolve);
    });
  });
}

(async () => {
  for (let n = 0; n < +count; n++) await once();
})().catch((error) => { console.error(error); process.exit(1); });
