// Fastify.
const { Readable } = require('node:stream');

const fastify = require('fastify')({ keepAliveTimeout: 60000 });

const calls = require('./calls.js');

fastify.get('/work', async (request, reply) => {
  const { id, mode } = request.query;
  if (mode === 'stream') return reply.send(Readable.from(calls.stream(id)));
  await calls.work(id, mode);
  reply.send('ok\n');
  calls.late(id, mode);
  return reply;
});
fastify.listen({ port: Number(process.env.PORT), host: '127.0.0.1' });
