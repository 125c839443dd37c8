// Tables that are told again and again: rows stay the same elements, so that what is focused or selected stays so.

import { el, fill, safe } from './dom.js';

// columns: { key, label, title, cell(row), sort(row), number, wide }. `cell` gives text, an element, or what it gave before, told again
// through `update(row, element)`.
export function table({ label, columns, key, sorted, open, order, rowClass }) {
  let rows = [];
  const made = new Map();
  let [by, falling] = sorted;
  const head = el('tr');
  const body = el('tbody');
  const node = el('div', { class: 'scroll' }, el('table', { class: 'rows', 'aria-label': label }, el('thead', {}, head), body));

  function heads() {
    fill(head, columns.map((column) => {
      const is = column.key === by;
      const inner = column.sort
        ? el('button', { type: 'button', title: column.title, click: () => sortBy(column) }, column.label, el('span', { class: 'arrow', 'aria-hidden': 'true' }, is ? (falling ? '▾' : '▴') : ''))
        : el('span', { title: column.title }, column.label);
      return el('th', { scope: 'col', class: classes(column), 'aria-sort': is ? (falling ? 'descending' : 'ascending') : undefined }, inner);
    }));
  }

  function classes(column) {
    return [column.number && 'number', column.wide && 'wide', column.class].filter(Boolean).join(' ') || undefined;
  }

  function sortBy(column) {
    falling = column.key === by ? !falling : Boolean(column.number);
    by = column.key;
    heads();
    set(rows);
    order?.(by, falling);
  }

  function compare(one, other) {
    const column = columns.find((candidate) => candidate.key === by);
    if (!column?.sort) return 0;
    const [left, right] = [column.sort(one), column.sort(other)];
    const way = typeof left === 'string' ? left.localeCompare(right) : (left ?? -1) - (right ?? -1);
    return (falling ? -way : way) || String(key(one)).localeCompare(String(key(other)));
  }

  function row(data) {
    const one = { data, cells: [] };
    one.node = el('tr', { tabindex: open ? '0' : undefined });
    if (open) {
      one.node.addEventListener('click', (event) => event.target.closest('a, button') || getSelection().toString() || open(one.data));
      one.node.addEventListener('keydown', (event) => event.key === 'Enter' && event.target === one.node && open(one.data));
    }
    one.cells = columns.map((column) => el('td', { class: classes(column) }));
    fill(one.node, one.cells);
    return one;
  }

  function tellCell(cell, column, data) {
    const kept = column.update && cell.firstElementChild;
    if (kept) return column.update(data, kept);
    const value = column.cell(data);
    if (value instanceof Node) fill(cell, value);
    else if (cell.textContent !== safe(value)) cell.textContent = safe(value);
    if (column.tone) cell.dataset.tone = column.tone(data) ?? '';
    if (column.hint) cell.title = safe(column.hint(data));
  }

  function set(told) {
    rows = [...told].sort(compare);
    const here = new Set();
    let before = body.firstElementChild;
    for (const data of rows) {
      const id = key(data);
      if (here.has(id)) continue;
      here.add(id);
      const one = made.get(id) ?? row(data);
      made.set(id, one);
      one.data = data;
      one.node.className = rowClass?.(data) ?? '';
      columns.forEach((column, index) => tellCell(one.cells[index], column, data));
      if (one.node === before) before = before.nextElementSibling;
      else body.insertBefore(one.node, before);
    }
    for (const [id, one] of made) {
      if (!here.has(id)) { one.node.remove(); made.delete(id); }
    }
  }

  heads();
  return { node, set, move: (step) => moveFocus(body, step) };
}

// Up and down by the keyboard.
export function moveFocus(body, step) {
  const all = [...body.querySelectorAll('[tabindex="0"]')];
  if (!all.length) return false;
  const now = all.indexOf(document.activeElement);
  all[now < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, now + step))].focus();
  return true;
}
