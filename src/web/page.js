// The page: three views by the address after '#': workflows, one workflow, one log.
import { AnsiText } from './ansi.js';

const main = document.getElementById('main');
const trail = document.getElementById('trail');
const notice = document.getElementById('notice');
let leave = new AbortController(); // ends what the view that is left had started

// Makes an element: el('a', {href}, 'text', child). Text is never HTML: logs and names are other people's bytes.
function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else if (value !== undefined && value !== false) element.setAttribute(key, value === true ? '' : value);
  }
  element.append(...children.filter((child) => child !== undefined && child !== null));
  return element;
}

async function api(path, options = {}) {
  const answer = await fetch('/api/v1' + path, { signal: leave.signal, ...options });
  if (answer.ok) return answer;
  let text = `HTTP status ${answer.status}`;
  try {
    const problem = await answer.json();
    text = [problem.detail, problem.advice].filter(Boolean).join('. ');
  } catch { /* not a problem document: the status has to do */ }
  throw new Error(text);
}
const ask = async (path) => (await api(path)).json();

function age(time) {
  const seconds = Math.max(0, (Date.now() - Date.parse(time)) / 1000);
  if (seconds < 120) return `${Math.floor(seconds)}s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86400)}d`;
}
function size(bytes) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  while (bytes >= 1024 && unit + 1 < units.length) { bytes /= 1024; unit += 1; }
  return `${unit ? bytes.toFixed(1) : bytes} ${units[unit]}`;
}
const when = (time) => time ? el('time', { datetime: time, title: time }, time.replace('T', ' ').replace(/(\.\d+)?Z$/, ' UTC')) : undefined;
const phase = (name) => el('span', { class: `phase ${name}` }, name);

const stations = ['running', 'finished', 'sealed', 'verified', 'released', 'deleted', 'expired'];
function marks(workflow) {
  const at = stations.indexOf(workflow.state);
  const out = [];
  const mark = (text, kind, title) => out.push(el('span', { class: `mark ${kind}`, title }, text));
  if (workflow.state === 'expired') mark('expired', '', 'The archive was removed; the audit events stay');
  else {
    if (at >= 2) mark('archived', '', 'Every stream is complete and durable');
    if (at >= 3) mark('verified', 'verified', 'Read back from the store and compared with its digests');
    if (at === 4) mark('released', '', 'The cluster may delete it');
    if (at === 5) mark('deleted from cluster', '', 'The cluster has deleted it; its logs are here');
  }
  if (workflow.held || workflow.hold) mark('held', 'held', 'A legal hold: nothing expires or is removed');
  const gaps = Array.isArray(workflow.streams) ? workflow.streams.reduce((n, s) => n + s.gaps.length, 0) : workflow.gaps;
  if (gaps) mark(`${gaps} ${gaps === 1 ? 'gap' : 'gaps'}`, 'gap', 'Bytes that could not be had');
  if (workflow.problem) mark('problem', 'problem', workflow.problem);
  return out;
}

const link = (workflow, stream) =>
  `#/workflow/${encodeURIComponent(workflow.uid)}${stream ? `/log/${encodeURIComponent(stream.key)}` : ''}`;

function show(title, steps, ...content) {
  document.title = `${title} · Logstone`;
  trail.replaceChildren(...steps);
  main.replaceChildren(...content.filter((part) => part !== undefined));
}
function failed(error) {
  if (error.name === 'AbortError') return;
  notice.textContent = error.message;
  setTimeout(() => { notice.textContent = ''; }, 8000);
}
// Calls `look` again and again while the view stands, slower when the page is not seen.
function every(milliseconds, look) {
  const signal = leave.signal;
  const timer = setInterval(() => { if (!document.hidden) look().catch(failed); }, milliseconds);
  signal.addEventListener('abort', () => clearInterval(timer));
}

async function workflowsView(parameters) {
  const rows = el('tbody');
  const more = el('button', { type: 'button', hidden: true }, 'Older workflows');
  let pages = 1;
  const name = el('input', { type: 'search', name: 'by-contains', placeholder: 'Part of the name', 'aria-label': 'Part of the name', value: parameters.get('contains') ?? '' });
  const space = el('input', { name: 'by-namespace', placeholder: 'Namespace', 'aria-label': 'Namespace', value: parameters.get('namespace') ?? '' });
  const labels = el('input', { name: 'by-labels', placeholder: 'Labels: a=b,!c', 'aria-label': 'Label selector', value: parameters.get('labels') ?? '' });
  const phases = el('select', { name: 'by-phase', 'aria-label': 'Phase' }, el('option', { value: '' }, 'Any phase'),
    ...['Pending', 'Running', 'Succeeded', 'Failed', 'Error'].map((p) => el('option', { value: p, selected: p === parameters.get('phase') }, p)));
  const filter = el('form', { class: 'filter', role: 'search' }, name, space, labels, phases);
  // Fields have a prefix: one named `contains` would hide the form's own method of that name.
  const query = () => new URLSearchParams([...new FormData(filter)].filter(([, value]) => value !== '').map(([field, value]) => [field.slice(3), value]));
  async function look() {
    const items = [];
    let page = '';
    let next = '';
    for (let i = 0; i < pages; i += 1) {
      const asked = query();
      if (page) asked.set('page', page);
      const answer = await ask(`/workflows?${asked}`);
      items.push(...answer.items);
      next = page = answer.nextPage ?? '';
      if (!page) break;
    }
    more.hidden = !next;
    const focused = document.activeElement?.getAttribute('href');
    rows.replaceChildren(...items.map((w) => el('tr', {},
      el('td', {}, el('a', { class: 'row', href: link(w) }, w.name), el('div', { class: 'soft' }, w.namespace)),
      el('td', {}, phase(w.phase)),
      el('td', {}, ...marks(w)),
      el('td', { class: 'number', title: w.created }, age(w.created)),
      el('td', { class: 'number wide' }, String(w.streams)),
      el('td', { class: 'number wide', title: `${size(w.objectBytes)} stored` }, size(w.bytes)))));
    if (!items.length) rows.append(el('tr', {}, el('td', { colspan: 6, class: 'soft' }, 'No workflow fits. Submit one with: logstone up FILE')));
    if (focused) rows.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
  }
  filter.addEventListener('submit', (event) => event.preventDefault());
  filter.addEventListener('input', () => {
    history.replaceState(null, '', `#/?${query()}`);
    look().catch(failed);
  });
  more.addEventListener('click', () => { pages += 1; look().catch(failed); });
  show('Workflows', [], el('h1', {}, 'Workflows'), filter, el('div', { class: 'scroll' }, el('table', {},
    el('thead', {}, el('tr', {}, el('th', {}, 'Workflow'), el('th', {}, 'Phase'), el('th', {}, 'Archive'),
      el('th', { class: 'number' }, 'Age'), el('th', { class: 'number wide' }, 'Logs'), el('th', { class: 'number wide' }, 'Bytes'))), rows)), more);
  await look();
  every(3000, look);
}

function streamLinks(workflow, streams) {
  return streams.map((stream) => el('span', {}, ' ', el('a', { class: 'row', href: link(workflow, stream) },
    `log${stream.container === 'main' ? '' : ` of ${stream.container}`}${stream.restart ? ` #${stream.restart}` : ''}`),
  el('span', { class: 'soft' }, ` ${size(stream.bytes)}`, stream.complete ? '' : ', live'),
  ...stream.gaps.map((gap) => el('span', { class: 'mark gap', title: gap.reason }, 'gap'))));
}

function tree(workflow) {
  const byId = new Map(workflow.nodes.map((node) => [node.id, node]));
  const inner = new Set(workflow.nodes.flatMap((node) => node.children));
  const shown = new Set();
  function item(node) {
    shown.add(node.id);
    const streams = workflow.streams.filter((stream) => stream.nodeId === node.id);
    const children = node.children.map((id) => byId.get(id)).filter((child) => child && !shown.has(child.id));
    const line = el('li', {}, phase(node.phase), ' ', el('b', {}, node.displayName), ' ',
      el('span', { class: 'soft' }, node.type === 'Pod' ? '' : node.type), ...streamLinks(workflow, streams),
      node.message ? el('span', { class: 'soft' }, ` · ${node.message}`) : undefined);
    const below = children.filter((child) => !shown.has(child.id)).map(item);
    if (below.length) line.append(el('ul', {}, ...below));
    return line;
  }
  const list = el('ul', { class: 'tree' }, ...workflow.nodes.filter((node) => !inner.has(node.id)).map(item));
  const orphans = workflow.streams.filter((stream) => !byId.has(stream.nodeId));
  for (const stream of orphans) list.append(el('li', {}, el('b', {}, stream.podName), ...streamLinks(workflow, [stream])));
  return list;
}

async function workflowView(uid) {
  let last = '';
  async function look() {
    const workflow = await ask(`/workflows/${encodeURIComponent(uid)}`);
    const now = JSON.stringify(workflow);
    if (now === last) return;
    last = now;
    const focused = document.activeElement?.getAttribute('href');
    const fact = (key, value) => value ? el('li', {}, el('b', {}, key), value) : undefined;
    show(workflow.name, [el('span', {}, workflow.name)],
      el('h1', {}, workflow.name), phase(workflow.phase), ' ', ...marks(workflow),
      el('ul', { class: 'facts' }, fact('namespace', workflow.namespace), fact('uid', workflow.uid), fact('created', when(workflow.created)),
        fact('finished', when(workflow.finished)), fact('verified', when(workflow.verified)), fact('deleted from cluster', when(workflow.deleted)),
        fact('kept until', when(workflow.expires) ?? 'forever'), fact('held', workflow.hold?.reason)),
      workflow.problem ? el('p', { class: 'problem' }, workflow.problem) : undefined,
      workflow.message ? el('p', { class: 'soft' }, workflow.message) : undefined,
      el('h2', {}, 'Steps'), tree(workflow),
      el('h2', {}, 'What happened'), el('div', { class: 'scroll' }, el('table', {}, el('tbody', {}, ...workflow.audit.map((event) =>
        el('tr', {}, el('td', {}, when(event.time)), el('td', {}, event.action), el('td', {}, event.actor), el('td', {}, event.detail ?? '')))))));
    if (focused) main.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
  }
  await look();
  every(2000, look);
}

const shownBytes = 4 * 1024 * 1024; // what a browser scrolls through with ease; the rest is a download away

async function logView(uid, key) {
  const workflow = await ask(`/workflows/${encodeURIComponent(uid)}`);
  const stream = workflow.streams.find((one) => one.key === key);
  if (!stream) throw new Error('The workflow has no such log');
  const node = workflow.nodes.find((one) => one.id === stream.nodeId);
  const path = `/workflows/${encodeURIComponent(uid)}/log/${encodeURIComponent(key)}`;
  const output = el('pre', { class: 'log', tabindex: 0, 'aria-label': 'Log' });
  const state = el('span', { class: 'soft' });
  let follow = true;
  let timestamps = false;
  let reading = new AbortController();
  const toggle = (text, pressed, act) => {
    const button = el('button', { type: 'button', 'aria-pressed': String(pressed) }, text);
    button.addEventListener('click', () => {
      const now = button.getAttribute('aria-pressed') !== 'true';
      button.setAttribute('aria-pressed', String(now));
      act(now);
    });
    return button;
  };
  async function read() {
    reading.abort();
    reading = new AbortController();
    leave.signal.addEventListener('abort', () => reading.abort());
    const signal = reading.signal;
    output.replaceChildren();
    const query = new URLSearchParams({ follow: 'true', gaps: 'true' });
    if (timestamps) query.set('timestamps', 'true');
    if (stream.bytes > shownBytes) query.set('offset', String(stream.bytes - shownBytes));
    const answer = await api(`${path}?${query}`, { signal });
    const live = answer.headers.get('X-Logstone-Complete') !== 'true';
    state.textContent = live ? 'live' : 'from the archive, complete';
    const text = new AnsiText(output, shownBytes);
    const reader = answer.body.getReader();
    const decoder = new TextDecoder();
    for (;;) {
      const { done, value } = await reader.read();
      if (done || signal.aborted) break;
      const atEnd = output.scrollTop + output.clientHeight >= output.scrollHeight - 30;
      text.add(decoder.decode(value, { stream: true }));
      if (follow && (atEnd || live)) output.scrollTop = output.scrollHeight;
    }
    if (signal.aborted) return;
    text.add(decoder.decode());
    if (live) state.textContent = 'complete';
    if (output.textContent === '') output.append(el('span', { class: 'c90' }, '(the container wrote nothing)'));
  }
  show(node?.displayName ?? stream.podName, [el('a', { href: link(workflow) }, workflow.name), el('span', {}, node?.displayName ?? stream.podName)],
    el('h1', {}, `${node?.displayName ?? stream.podName}${stream.container === 'main' ? '' : ` / ${stream.container}`}`),
    node ? phase(node.phase) : undefined, ' ', ...marks(workflow), state,
    el('ul', { class: 'facts' }, el('li', {}, el('b', {}, 'pod'), stream.podName), el('li', {}, el('b', {}, 'lines'), String(stream.lines)),
      el('li', {}, el('b', {}, 'bytes'), size(stream.bytes)), stream.endReason ? el('li', {}, el('b', {}, 'ended'), stream.endReason) : undefined),
    el('div', { class: 'tools' }, toggle('Stay at the end', true, (on) => { follow = on; }),
      toggle('Timestamps', false, (on) => { timestamps = on; read().catch(failed); }),
      toggle('Wrap lines', true, (on) => output.classList.toggle('nowrap', !on)),
      el('a', { href: `/api/v1${path}`, download: `${stream.key}.log` }, 'Download'),
      stream.bytes > shownBytes ? el('span', { class: 'soft' }, `the last ${size(shownBytes)} are shown`) : undefined),
    output);
  await read();
}

async function route() {
  leave.abort();
  leave = new AbortController();
  notice.textContent = '';
  const [path, search] = location.hash.replace(/^#/, '').split('?');
  const parts = path.split('/').filter(Boolean).map(decodeURIComponent);
  try {
    if (parts[0] === 'workflow' && parts[2] === 'log') await logView(parts[1], parts[3]);
    else if (parts[0] === 'workflow') await workflowView(parts[1]);
    else await workflowsView(new URLSearchParams(search ?? ''));
  } catch (error) {
    if (error.name === 'AbortError') return;
    show('Not there', [], el('h1', {}, 'That did not work'), el('p', { class: 'problem' }, error.message), el('a', { href: '#/' }, 'All workflows'));
  }
}

function move(step) {
  const rows = [...main.querySelectorAll('a.row')];
  const at = rows.indexOf(document.activeElement);
  rows[Math.min(rows.length - 1, Math.max(0, at + step))]?.focus();
}
document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) {
    if (event.key === 'Escape') event.target.blur();
    return;
  }
  if (event.key === '/') { main.querySelector('input')?.focus(); event.preventDefault(); }
  if (event.key === 'j') move(1);
  if (event.key === 'k') move(-1);
  if (event.key === 'u') location.hash = trail.querySelector('a')?.getAttribute('href') ?? '#/';
});
window.addEventListener('hashchange', () => { route(); main.focus(); });
route();
