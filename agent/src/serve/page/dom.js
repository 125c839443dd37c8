// Making elements. Foreign text gets into the page here alone, as text.

const UNSAFE = /[\p{Cc}\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;
const LONGEST = 2000;

// Text that shows itself and does nothing else: no marks of direction, nothing invisible, no end of it.
export function safe(text) {
  const all = String(text ?? '');
  const cut = all.length > LONGEST ? all.slice(0, LONGEST) + '…' : all;
  return cut.replace(UNSAFE, '·');
}

function give(node, attributes) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === 'function') node.addEventListener(name, value);
    else if (name === 'value' || name === 'checked' || name === 'selected') node[name] = value;
    else node.setAttribute(name, value === true ? '' : safe(value));
  }
}

export function fill(node, ...children) {
  node.replaceChildren(...children.flat(3).filter((one) => one !== null && one !== undefined && one !== false)
    .map((one) => (one instanceof Node ? one : safe(one))));
  return node;
}

export function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  give(node, attributes);
  return fill(node, ...children);
}

export function svg(tag, attributes, ...children) {
  const node = document.createElementNS('http://www.w3.org/2000/svg', tag);
  give(node, attributes);
  return fill(node, ...children);
}

export function setText(node, text) {
  const wanted = safe(text);
  if (node.textContent !== wanted) node.textContent = wanted;
}

// A place in the page: `#traces?q=status%3Derror`.
export function at(page, parameters) {
  const given = Object.entries(parameters ?? {}).filter(([, value]) => value !== undefined && value !== null && value !== '');
  const query = new URLSearchParams(given).toString();
  return '#' + page + (query ? '?' + query : '');
}

export function link(page, parameters, ...children) {
  return el('a', { href: at(page, parameters) }, ...children);
}
