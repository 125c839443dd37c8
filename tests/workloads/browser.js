// Looks at every page of the agent in a real browser, wide and narrow, light and dark: browser.js URL CHROMIUM FOLDER
//
// Fails if the browser complains about anything, asks anybody else, shows less than it should, or takes foreign text for its own.
const assert = require('node:assert');
const path = require('node:path');
const { chromium } = require('playwright-core');

const [url, executablePath, folder] = process.argv.slice(2);
const PAGES = ['map', 'operations', 'traces', 'advice', 'connections', 'agent'];
const complaints = [];

function watch(page) {
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('dialog', (dialog) => { complaints.push(`a dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on('request', (request) => request.url().startsWith(url) || request.url().startsWith('data:') || complaints.push(`asked ${request.url()}`));
}

const settled = (page, name) => page.waitForFunction((name) => document.getElementById('content').dataset.ready === name, name);

// Nothing is wider than the window, and everything that can be pressed has a name.
async function checked(page, what) {
  const found = await page.evaluate(() => ({
    wide: document.documentElement.scrollWidth - innerWidth,
    images: document.querySelectorAll('img:not(.brand img)').length,
    nameless: [...document.querySelectorAll('button, a, input, select, [role=tree], [role=region]')].filter((one) => !(one.getAttribute('aria-label') || one.textContent.trim() || one.title)).length,
    unsafe: /[\u202a-\u202e\u2066-\u2069\u200b-\u200f\u001b]/.test(document.body.textContent),
  }));
  assert.deepStrictEqual(found, { wide: found.wide > 0 ? `${found.wide} px too wide` : found.wide, images: 0, nameless: 0, unsafe: false }, what);
}

async function shown(page, name) {
  const rows = (selector) => page.locator(selector).count();
  if (name === 'map') assert.ok(await rows('.map .node') >= 4 && await rows('.map .edge') >= 3, 'the map has the shop');
  if (name === 'operations') assert.ok(await rows('.rows tbody tr') >= 5, 'operations');
  if (name === 'traces') assert.ok(await rows('.rows tbody tr') >= 5, 'traces');
  if (name === 'connections') assert.ok(await rows('.rows tbody tr') >= 3, 'connections');
  if (name === 'agent') assert.ok(await rows('.hooks li') >= 3 && await rows('.rows tbody tr') >= 4, 'hooks and processes');
}

async function tour(browser, width, colorScheme) {
  const context = await browser.newContext({ viewport: { width, height: width > 600 ? 800 : 780 }, colorScheme, deviceScaleFactor: 1 });
  const page = await context.newPage();
  watch(page);
  page.setDefaultTimeout(20000);
  const keep = (name) => page.screenshot({ path: path.join(folder, `${name}-${width}-${colorScheme}.png`) });
  for (const name of PAGES) {
    await page.goto(`${url}#${name}`);
    await settled(page, name);
    // Of the first second it may not know much.
    await page.waitForFunction(() => document.getElementById('account').textContent.includes('requests'));
    await page.waitForTimeout(name === 'map' ? 1500 : 300);
    await shown(page, name);
    await checked(page, `${name} at ${width}, ${colorScheme}`);
    await keep(name);
  }
  await page.goto(`${url}#traces?order=slowest&q=${encodeURIComponent('service=shop')}`);
  await settled(page, 'traces');
  await page.locator('.rows tbody tr a').first().click();
  await page.waitForSelector('.waterfall .span');
  assert.ok(await page.locator('.waterfall .bars i').count() > 3, 'phases');
  assert.ok(await page.locator('.bars i.critical').count() > 0, 'the critical path');
  await checked(page, `a trace at ${width}, ${colorScheme}`);
  await keep('trace');
  await context.close();
}

// What strangers have written.
async function hostile(page) {
  await page.goto(`${url}#traces?q=${encodeURIComponent('onerror')}`);
  await page.waitForSelector('.rows tbody tr');
  const text = await page.locator('.rows tbody tr').first().textContent();
  assert.ok(text.includes('<img/src=x/onerror=alert(1)>·gnp.exe'), text);
  await page.locator('.rows tbody tr a').first().click();
  await page.waitForSelector('.attributes');
  assert.ok((await page.locator('.side').textContent()).includes('onerror=alert(1)>·gnp.exe'));
  await checked(page, 'a hostile trace');
  await page.screenshot({ path: path.join(folder, 'hostile.png') });
}

// By the keyboard alone, and back again.
async function keys(page) {
  await page.goto(`${url}#map`);
  await settled(page, 'map');
  await page.keyboard.press('2');
  await settled(page, 'operations');
  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.side .histogram');
  await page.screenshot({ path: path.join(folder, 'operation.png') });
  await page.getByRole('link', { name: 'slowest' }).click();
  await settled(page, 'traces');
  await page.waitForSelector('.rows tbody tr');
  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.waterfall .span.chosen');
  const link = page.url();
  await page.keyboard.press('Backspace');
  await page.waitForFunction(() => location.hash.startsWith('#traces'));
  await page.goto(`${url}#advice`);
  await page.goto(link);
  await page.waitForSelector('.waterfall .span.chosen');
  await page.keyboard.press('/');
  await page.keyboard.press('3');
  await settled(page, 'traces');
  await page.keyboard.press('/');
  await page.keyboard.type('status=error');
  await page.waitForFunction(() => location.hash.includes('status%3Derror'));
  await page.keyboard.press('Escape');
  await page.keyboard.press('p');
  await page.waitForFunction(() => document.getElementById('pause').getAttribute('aria-pressed') === 'true');
  const before = await page.locator('#account').textContent();
  await page.waitForTimeout(1500);
  assert.strictEqual(await page.locator('#account').textContent(), before, 'paused');
  await page.keyboard.press('p');
  await page.waitForFunction((before) => document.getElementById('account').textContent !== before, before);
  await page.keyboard.press('?');
  await page.waitForSelector('dialog[open]');
  await page.keyboard.press('Escape');
}

// A trace of thousands of spans and hundreds of levels, as nobody has here.
async function large(page) {
  const id = 'f'.repeat(32);
  const span = (index) => ({
    trace_id: id, span_id: index.toString(16).padStart(16, '0'), parent_span_id: null, service: 'shop', kind: 'client', name: `SELECT ${index}`, detail: '', peer: null, code: null, status: 'unset', failed: false, trouble: '', offset_ns: index * 1000, duration_ns: 9e6 - index * 1000,
    phases: [{ phase: 'first byte', offset_ns: index * 1000, duration_ns: 4e6 }, { phase: 'body', offset_ns: index * 1000 + 4e6, duration_ns: 1e6 }], attributes: { 'db.query.text': 'SELECT' }, links: [], resource: 0, depth: Math.min(index, 300), is_critical: index < 300,
  });
  const told = { trace_id: id, kept_as: 'slow', start_unix_ns: 1.7e18, duration_ns: 1e7, cut: 0, failed: 0, spans: Array.from({ length: 5000 }, (_, index) => span(index)), resources: [{ 'service.name': 'shop' }] };
  await page.route('**/api/traces/' + id, (route) => route.fulfill({ json: told }));
  const begin = Date.now();
  await page.goto(`${url}#trace/${id}`);
  await page.waitForSelector('.waterfall .span');
  const took = Date.now() - begin;
  assert.ok(await page.locator('.waterfall .span').count() < 100, 'only rows in sight are there');
  const longest = await page.evaluate(async () => {
    const list = document.querySelector('.waterfall');
    let longest = 0;
    for (let step = 0; step < 30; step += 1) {
      const begin = performance.now();
      list.scrollTop += 3900;
      await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
      longest = Math.max(longest, performance.now() - begin);
    }
    return longest;
  });
  await page.locator('.waterfall').press('End');
  assert.ok((await page.locator('.span.chosen').textContent()).includes('SELECT 4999'));
  await page.screenshot({ path: path.join(folder, 'large.png') });
  assert.ok(took < 3000 && longest < 500, `5,000 spans: ${took} ms to open, ${longest} ms to scroll`);
  return `5,000 spans opened in ${took} ms, the longest step of scrolling ${longest.toFixed(0)} ms`;
}

async function main() {
  const root = process.getuid() === 0 ? ['--no-sandbox'] : [];
  const browser = await chromium.launch({ executablePath, args: [...root, '--disable-dev-shm-usage', '--disable-gpu', '--no-proxy-server'] });
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    watch(page);
    page.setDefaultTimeout(20000);
    await page.goto(url);
    await settled(page, 'map');
    const paint = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime);
    // What is seen first is there when some customers have come.
    await page.waitForFunction(() => document.querySelectorAll('.map .node').length >= 4);
    await page.waitForTimeout(4000);
    for (const width of [1280, 400]) for (const scheme of ['light', 'dark']) await tour(browser, width, scheme);
    await hostile(page);
    await keys(page);
    const opened = await large(page);
    assert.deepStrictEqual(complaints, []);
    assert.ok(paint < 1000, `first paint after ${paint} ms`);
    console.log(`first paint after ${paint.toFixed(0)} ms; ${opened}`);
  } finally {
    await browser.close();
  }
}

main().catch((error) => { console.error(error, complaints); process.exit(1); });
