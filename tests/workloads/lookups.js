// Look-ups by Node: lookups.js getaddrinfo|c-ares NAME
const dns = require('dns').promises;

const [how, name] = process.argv.slice(2);
const lookup = how === 'getaddrinfo' ? dns.lookup(name) : dns.resolve4(name);
lookup.then((found) => console.log(JSON.stringify(found)), (error) => console.log('nothing:', error.code));
