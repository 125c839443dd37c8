// Express.
const express = require('express');

const calls = require('./calls.js');

const app = express();
app.get('/work', async (request, response) => {
  const { id, mode } = request.query;
  await calls.work(id, mode);
  response.send('ok\n');
  await calls.late(id, mode);
});
app.listen(process.env.PORT, '127.0.0.1').keepAliveTimeout = 60000;
