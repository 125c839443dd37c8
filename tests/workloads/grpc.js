// A service of grpc-js, servers that ask it, and a client of the second one:
// node grpc.js serve PORT, node grpc.js front PORT SERVICE, node grpc.js pass PORT SERVICE, node grpc.js ask PORT AT_ONCE COUNT
//
// The path /nN, of HTTP, and the method `/shop.Orders/nN` have the method `/shop.Stock/nN` asked for twice, one after the other.
const grpc = require('@grpc/grpc-js');
const http = require('http');

const same = (bytes) => bytes;
const [, , what, port, service] = process.argv;

function serve(name, handle) {
  const server = new grpc.Server();
  for (let n = 0; n < 1000; n += 1) {
    server.register(`/shop.${name}/n${n}`, (call, done) => handle(n, () => done(null, call.request)), same, same, 'unary');
  }
  server.bindAsync(`127.0.0.1:${port}`, grpc.ServerCredentials.createInsecure(), (error) => {
    if (error) throw error;
  });
}

function client(at) {
  const stub = new grpc.Client(`127.0.0.1:${at}`, grpc.credentials.createInsecure());
  return (method, done) => {
    stub.makeUnaryRequest(method, same, same, Buffer.from('order'), (error) => {
      if (error) throw error;
      done();
    });
  };
}

if (what === 'serve') {
  serve('Stock', (n, done) => setTimeout(done, 1 + (n % 7)));
} else if (what === 'pass') {
  const ask = client(service);
  serve('Orders', (n, done) => ask(`/shop.Stock/n${n}`, () => ask(`/shop.Stock/n${n}`, done)));
} else if (what === 'ask') {
  const [atOnce, count] = [Number(service), Number(process.argv[5])];
  const ask = client(port);
  let next = 0;
  let left = count;
  const one = () => {
    if (next === count) return;
    next += 1;
    ask(`/shop.Orders/n${next}`, () => {
      left -= 1;
      if (left === 0) process.exit(0);
      one();
    });
  };
  for (let n = 0; n < atOnce; n += 1) one();
} else {
  const ask = client(service);
  http
    .createServer((request, response) => {
      const method = `/shop.Stock${request.url}`;
      ask(method, () => ask(method, () => response.end('done')));
    })
    .listen(port, '127.0.0.1');
}
