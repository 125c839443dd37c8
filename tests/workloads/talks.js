// Long answers and what is not asked and answered, over TLS with HTTP/1.1 and HTTP/2: talks.js PORT CERTIFICATE KEY | talks.js ask PORT 1|2
//
// /events has five events, 40 ms apart; /socket is a WebSocket, which echoes; anything else is a call of gRPC-Web.
const crypto = require("crypto");
const fs = require("fs");
const http2 = require("http2");
const https = require("https");

const EVENTS = 5;
const pause = () => new Promise((done) => setTimeout(done, 40));
const piece = (kind, body) => Buffer.concat([Buffer.from([kind, 0, 0, 0, body.length]), Buffer.from(body)]);

async function events(answer) {
  answer.writeHead(200, { "content-type": "text/event-stream" });
  for (let n = 0; n < EVENTS; n++) {
    answer.write(`id: ${n}\ndata: order ${n}\n\n`);
    await pause();
  }
  answer.end();
}

async function call(request, answer) {
  const type = request.headers["content-type"];
  const isFound = request.url.endsWith("/Get");
  answer.writeHead(200, { "content-type": type });
  const coded = (bytes) => (type.includes("-text") ? bytes.toString("base64") : bytes);
  if (isFound) answer.write(coded(piece(0, "order")));
  await pause();
  answer.end(coded(piece(0x80, isFound ? "grpc-status:0\r\n" : "grpc-status:5\r\ngrpc-message:no%20such\r\n")));
}

function serve(port, certificate, key) {
  const options = { cert: fs.readFileSync(certificate), key: fs.readFileSync(key), allowHTTP1: true };
  const server = http2.createSecureServer({ ...options, settings: { enableConnectProtocol: true } });
  server.on("request", (request, answer) => {
    if (request.url === "/events") return events(answer);
    request.resume().on("end", () => call(request, answer));
  });
  server.on("connect", ({ stream }) => {
    stream.respond({ ":status": 200 });
    stream.pipe(stream);
  });
  server.on("upgrade", (request, socket) => {
    const accept = crypto.createHash("sha1").update(request.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    socket.write(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
        `Sec-WebSocket-Accept: ${accept.digest("base64")}\r\n\r\n`,
    );
    socket.pipe(socket);
  });
  server.listen(port, "127.0.0.1");
}

// A masked text of a WebSocket, which looks like a request.
const frame = (() => {
  const text = Buffer.from("GET /not-asked HTTP/1.1\r\nHost: shop.test\r\n\r\n");
  return Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), text]);
})();

// Sends three frames, each when the one before has come back.
async function chat(socket) {
  for (let n = 0; n < 3; n++) {
    const echo = new Promise((done) => {
      let length = 0;
      const more = (bytes) => {
        length += bytes.length;
        if (length === frame.length) done(socket.off("data", more));
      };
      socket.on("data", more);
    });
    socket.write(frame);
    await echo;
  }
  socket.end();
}

const whole = (stream) =>
  new Promise((done, failed) => {
    const pieces = [];
    stream.on("data", (bytes) => pieces.push(bytes)).on("error", failed);
    stream.on("end", () => done(Buffer.concat(pieces).toString()));
  });

// Calls: path, type.
const CALLS = [
  ["/shop.Orders/Get", "application/grpc-web+proto"],
  ["/shop.Orders/Get", "application/grpc-web-text"],
  ["/shop.Orders/Missing", "application/grpc-web"],
];
const coded = (type) => (type.includes("-text") ? piece(0, "7").toString("base64") : piece(0, "7"));

async function ask1(port) {
  const options = { port, host: "127.0.0.1", rejectUnauthorized: false, agent: new https.Agent({ keepAlive: true, maxSockets: 1 }) };
  const request = (more, body) =>
    new Promise((done, failed) => {
      const asked = https.request({ ...options, ...more }, async (answer) => done(await whole(answer)));
      asked.on("error", failed).end(body);
    });
  console.log((await request({ path: "/events" })).length);
  for (const [path, type] of CALLS) await request({ path, method: "POST", headers: { "content-type": type } }, coded(type));
  options.agent.destroy();
  const headers = { Upgrade: "websocket", Connection: "Upgrade", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==" };
  await new Promise((done) => {
    https.get({ ...options, agent: false, path: "/socket", headers }).on("upgrade", async (_, socket) => {
      socket.on("close", done);
      await chat(socket);
    });
  });
}

async function ask2(port) {
  const session = http2.connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
  await new Promise((done) => session.once("remoteSettings", done));
  const request = (path, more = {}, body) => {
    const stream = session.request({ ":path": path, ...more });
    stream.end(body);
    return whole(stream);
  };
  const socket = session.request({ ":method": "CONNECT", ":protocol": "websocket", ":path": "/socket" });
  await new Promise((done) => socket.once("response", done));
  const calls = CALLS.map(([path, type]) => request(path, { ":method": "POST", "content-type": type }, coded(type)));
  const [stream] = await Promise.all([request("/events"), chat(socket), ...calls]);
  console.log(stream.length);
  await new Promise((done) => (socket.closed ? done() : socket.once("close", done)));
  session.close();
}

const [first, ...rest] = process.argv.slice(2);
if (first === "ask") (rest[1] === "2" ? ask2 : ask1)(Number(rest[0]));
else serve(Number(first), ...rest);
