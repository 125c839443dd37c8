// Express.
const express = require('express');

const calls = require('./calls.js');

const app = express();
app.get('/work', async (request, response) => {
  const { id, mode } = request.query;
  if (mode === 'stream') {
    for await (const part of calls.stream(id)) response.write(part);
    return response.end();
  }
  await calls.work(id, mode);
  response.send('ok\n');
  await calls.late(id, mode);
});
app.listen(process.env.PORT, '127.0.0.1').keepAliveTimeout = 60000;
