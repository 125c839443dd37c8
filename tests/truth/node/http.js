// Node's own HTTP server.
const http = require('node:http');

const calls = require('./calls.js');

http.createServer(async (request, response) => {
  const query = new URL(request.url, 'http://server').searchParams;
  const [name, mode] = [query.get('id'), query.get('mode')];
  if (mode === 'stream') {
    for await (const part of calls.stream(name)) response.write(part);
    return response.end();
  }
  await calls.work(name, mode);
  response.end('ok\n');
  await calls.late(name, mode);
}).listen(process.env.PORT, '127.0.0.1').keepAliveTimeout = 60000;
