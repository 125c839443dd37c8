// Asks several servers over TLS in turns, from one event loop: peers.js https|fetch PORTS AT_ONCE FROM TO
//
// Each path names the server that it is meant for: /to-PORT/nN. Now and then a connection is closed behind an answer.
process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
process.removeAllListeners("warning");
const https = require("https");

const [library, servers, ...numbers] = process.argv.slice(2);
const ports = servers.split(",");
const [atOnce, first, end] = numbers.map(Number);
const agent = new https.Agent({ keepAlive: true, maxSockets: Math.ceil(atOnce / 2) });

const libraries = {
  https: (url, isLast) =>
    new Promise((done, failed) => {
      const options = isLast ? { agent: false, headers: { connection: "close" } } : { agent };
      https.get(url, options, (answer) => answer.resume().on("end", done)).on("error", failed);
    }),
  // Its pool opens and closes connections as it likes.
  fetch: async (url) => (await fetch(url)).text(),
};

let next = first;
async function run() {
  while (next < end) {
    const number = next++;
    const port = ports[number % ports.length];
    await libraries[library](`https://127.0.0.1:${port}/to-${port}/n${number}`, number % 41 === 0);
  }
}

Promise.all(Array.from({ length: atOnce }, run)).then(() => agent.destroy());
