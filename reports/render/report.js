// Builds the page from its data. Every text is put in as a text node, never as markup.
'use strict';

(() => {
  const view = JSON.parse(document.getElementById('data').textContent);
  const charts = [];  // {place, figure(place)}: drawn again when the colour scheme changes

  // el('td', {class: 'num'}, child, child ...): children are nodes or text.
  function el(name, attributes, ...children) {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) node.setAttribute(key, value);
    node.append(...children.filter(c => c !== null && c !== undefined));
    return node;
  }
  const at = id => document.getElementById(id);
  const tag = (kind, text) => el('span', {class: 'tag ' + kind}, text);
  const empty = text => el('p', {class: 'empty'}, text);
  const note = text => el('p', {class: 'note'}, text);

  function time(seconds) {
    if (seconds < 0) return '–';
    const {unit, size} = Charts.clock(view.seconds);
    return size === 1 ? `${+ seconds.toFixed(2)} s` : `${(seconds / size).toFixed(2)} ${unit}`;
  }

  // "1,234.500000" with a faint fraction, so that the eye finds the whole tokens.
  function money(text) {
    const dot = text.indexOf('.');
    const td = el('td', {class: 'money'});
    td.append(dot < 0 ? text : text.slice(0, dot));
    if (dot >= 0) td.append(el('span', {class: 'frac'}, text.slice(dot)));
    return td;
  }

  // columns: [header, kind, row => value]; kind: '' | num | money | nowrap | quote. A value is
  // text, a number or a node.
  function table(rows, columns, none) {
    if (rows.length === 0) return empty(none);
    const head = columns.map(
        ([name, kind]) => el('th', kind === 'money' || kind === 'num' ? {class: 'num'} : {}, name));
    const body = rows.map(row => {
      const tr = el('tr', row.rowClass ? {class: row.rowClass} : {});
      for (const [, kind, get] of columns) {
        const value = get(row);
        if (kind === 'money')
          tr.append(money(value));
        else if (kind === 'quote')
          tr.append(el('td', {}, el('div', {class: 'quote', tabindex: 0}, value)));
        else
          tr.append(
              el('td', kind ? {class: kind} : {}, value instanceof Node ? value : String(value)));
      }
      return tr;
    });
    return el('table', {}, el('thead', {}, el('tr', {}, ...head)), el('tbody', {}, ...body));
  }
  const scroll = (...children) => el('div', {class: 'scroll'}, ...children);

  function withSub(text, sub, alarm) {
    const box = el('span', {}, text);
    if (sub) box.append(el('span', {class: 'sub'}, sub));
    if (alarm) box.append(el('span', {class: 'sub alarm'}, alarm));
    return box;
  }

  function save(name, text) {
    const url = URL.createObjectURL(new Blob([text], {type: 'text/csv'}));
    el('a', {href: url, download: name + '.csv'}).click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  }

  function button(text, title, act) {
    const node = el('button', {type: 'button', title}, text);
    node.addEventListener('click', act);
    return node;
  }

  // A card with a chart, its name and buttons that save what it shows.
  function chart(name, title, size, figure, ...more) {
    const place = el('div', {class: 'chart ' + size, id: 'chart-' + name});
    charts.push({place, figure});
    return el(
        'div', {class: 'card'},
        el('div', {class: 'head'}, el('h3', {}, title),
           el('span', {class: 'tools'}, ...more,
              button(
                  'CSV', 'Save what the chart shows as CSV', () => save(name, Charts.csv(place))),
              button('SVG', 'Save the chart as a picture', () => Charts.svg(place, name)))),
        place);
  }

  function overview() {
    at('title').textContent = view.title || 'Unnamed run';
    at('about').textContent = view.about;
    at('digest').textContent = view.digest;
    const {state, text} = view.verdict;
    const words = {
      held: ['✓', 'All held'],
      violated: ['✗', 'Violated'],
      partial: ['◐', 'Partial run'],
      unchecked: ['○', 'Nothing checked']
    };
    const [sign, word] = words[state];
    at('verdict').classList.add(state);
    at('verdict').append(
        el('span', {class: 'sign', 'aria-hidden': 'true'}, sign),
        el('div', {}, el('strong', {}, word), text));
    for (const [label, value, hint] of view.figures) {
      at('figures').append(
          el('div', {class: 'figure'}, el('div', {class: 'label'}, label),
             el('div', {class: 'value'}, value), el('div', {class: 'hint'}, hint)));
    }
    at('asserts').append(table(
        view.asserts,
        [
          ['', '', r => !r.decided ? tag('warn', '○ open') :
                  r.ok ? tag('good', '✓ held') : tag('bad', '✗ failed')],
          ['Assertion', '', r => withSub(r.name, r.text)], ['Seen', '', r => r.seen]
        ],
        'The scenario states no assertions.'));
    at('invariants')
        .append(table(
            view.invariants,
            [
              [
                '', '',
                r => !r.ok ? tag('bad', `✗ ${r.violations} times`) :
                    r.checked ? tag('good', '✓ held') :
                                tag('warn', '○ not checked')
              ],
              ['Invariant', '', r => withSub(r.name, r.about, r.first && 'First: ' + r.first)],
              ['Checks', 'num', r => r.checks]
            ],
            'No invariant was checked.'));
  }

  function network() {
    const rows = view.nodes.rows.slice(0, view.nodes.table);
    at('network').append(
      note(`${view.nodes.total} nodes by region; a line is an open session at the end of the run. A ring ` +
        'marks a node that misbehaved, a cross one that was slashed.'),
      rows.length ? chart('network', 'Map', 'tall', place => Charts.network(view, place)) : empty('No nodes.'),
      el('details', {}, el('summary', {}, 'Table of nodes'), el('div', {class: 'card'}, scroll(table(rows, [
        ['Node', 'nowrap', n => n.name], ['Role', '', n => n.role], ['Region', '', n => n.region],
        ['Behaviour', '', n => n.slashed ? tag('bad', n.behaviour + ', slashed')
          : n.behaviour === 'honest' ? 'honest' : tag('warn', n.behaviour)],
        ['Height', 'num', n => n.height], ['Final', 'num', n => n.finalized],
        ['Sessions', 'num', n => n.peers], ['Boots', 'num', n => n.boots],
        ['Messages sent', 'num', n => n.sent], ['Stake', 'num', n => n.stake]], 'No nodes.')))));
  }

  function withNote(card, text) {
    card.append(note(text));
    return card;
  }

  const has = (...names) =>
      names.some(name => view.series.some(s => s.name === name && s.t.length));

  function finality() {
    at('finality')
        .append(
            has('height', 'finalized_height') ?
                chart(
                    'finality', 'Best branch, finalised part, and the distance between them', 'mid',
                    place => Charts.finality(view, place)) :
                empty('No heights were recorded.'));
    if (view.faults.length)
      at('finality').append(note('Shaded: windows of the faults that are listed below.'));
  }

  const kTaskTags = {settled: 'good', slashed: 'bad', refunded: 'warn', challenged: 'warn'};

  function tasks() {
    const counts = view.tasks.counts;
    const states =
        [...new Set(['requested', 'settled', 'refunded', 'slashed', ...Object.keys(counts)])];
    at('tasks').append(note(states.map(state => `${counts[state] || 0} ${state}`).join(' · ')),
      has('tasks.settled', 'tasks.open', 'tasks.queued')
        ? chart('tasks', 'Tasks by state', 'mid', place => Charts.tasks(view, place))
        : empty('No task counts were recorded.'),
      el('div', {class: 'card'}, el('h3', {}, 'Prompts and answers'),
        note(view.tasks.rows.length < view.tasks.total
          ? `${view.tasks.rows.length} of ${view.tasks.total} tasks, unusual ends first chosen; all are in tasks.csv.`
          : 'Every task of the run.'),
        scroll(table(view.tasks.rows, [
          ['State', '', t => tag(kTaskTags[t.state] || '', t.state)],
          ['Prompt', 'quote', t => t.prompt], ['Answer', 'quote', t => t.answer],
          ['Asked, answered', '', t => withSub(t.requester, t.workers.split(',').join(', '))],
          ['Requested', 'num', t => time(t.requested)],
          ['Took', 'num', t => t.ended < 0 ? 'open' : `${+(t.ended - t.requested).toFixed(2)} s`],
          [`Tokens, paid`, 'num', t => withSub(t.tokens, t.paid)],
          ['Task', '', t => withSub(el('span', {class: 'mono'}, t.id), t.kind)]], 'No tasks.'))));
  }

  function supplyModes() {
    const buttons = ['change', 'stacked', 'log'].map(
        mode => button(mode, 'Show the pools this way', event => {
          supplyMode = mode;
          buttons.forEach(b => b.setAttribute('aria-pressed', b === event.target));
          Charts.draw(at('chart-supply'), Charts.supply(view, at('chart-supply'), mode));
        }));
    buttons[0].setAttribute('aria-pressed', true);
    return buttons;
  }
  let supplyMode = 'change';

  function supply() {
    const s = view.supply, columns = [
      ['Pool', 'nowrap', r => r.pool], [`At the end (${s.symbol})`, 'money', r => r.end],
      ['Change', 'money', r => r.change]
    ];
    const total = Object.assign({rowClass: 'total'}, s.total);
    at('supply').append(
        el('p', {class: s.conserved ? 'line-good' : 'line-bad', id: 'conservation'},
           (s.conserved ? '✓ ' : '✗ ') + s.statement),
        el('div', {class: 'pair wide-left'},
           s.rows.length ? chart(
                               'supply', 'Supply by pool', 'mid',
                               place => Charts.supply(view, place, supplyMode), ...supplyModes()) :
                           el('div', {class: 'card'}, empty('No ledger samples.')),
           view.rewards.rows.length ?
               chart('rewards', 'Reward by role', 'mid', place => Charts.rewards(view, place)) :
               el('div', {class: 'card'}, empty('No rewards were paid.'))),
        el('div', {class: 'pair wide-left'},
           el('div', {class: 'card'}, el('h3', {}, 'Exact balances'),
              el('div', {class: 'scroll long'},
                 table(s.rows.length ? [...s.rows, total] : [], columns, 'No ledger samples.'))),
           el('div', {class: 'card'}, el('h3', {}, 'Exact rewards of the run'),
              scroll(table(
                  view.rewards.rows.length ?
                      [
                        ...view.rewards.rows,
                        {role: 'total', amount: view.rewards.total, rowClass: 'total'}
                      ] :
                      [],
                  [['Role', 'nowrap', r => r.role], [s.symbol, 'money', r => r.amount]],
                  'No rewards were paid.')))));
  }

  function faults() {
    at('faults').append(
      el('div', {class: 'card'}, el('h3', {}, 'Faults of the scenario'), scroll(table(view.faults, [
        ['#', 'num', f => f.id], ['Fault', 'nowrap', f => withSub(f.name, f.kind)],
        ['From', 'num', f => time(f.begin)], ['To', 'num', f => f.end < 0 ? 'the end' : time(f.end)],
        ['Targets', '', f => f.targets], ['Detail', '', f => f.detail]], 'No faults: a calm run.'))),
      el('div', {class: 'card'}, el('h3', {}, 'Slashes'), scroll(table(view.slashes, [
        ['Time', 'num', s => time(s.time)], ['Height', 'num', s => s.height],
        ['Node', 'nowrap', s => s.node], ['Cause', '', s => tag('bad', s.cause)],
        [`Amount (${view.supply.symbol})`, 'num', s => s.amount],
        ['Evidence', '', s => s.evidence]], 'Nobody was slashed.'))));
  }

  function blocks() {
    const {rows, total, intervals: i, latencies: l} = view.blocks;
    const s = x => x.toFixed(2) + ' s';
    const memoryless = i.count > 0 && i.mean > 0;
    at('blocks').append(el('div', {class: 'pair'},
      memoryless ? withNote(chart('intervals', 'Intervals between blocks', 'low', place => Charts.intervals(view, place)),
        `${i.count} intervals: mean ${s(i.mean)}, deviation ${(i.deviation / i.mean).toFixed(2)} of the mean. ` +
        'A lottery without memory gives the exponential curve and deviation 1.00; retargeting and faults pull away from it.')
        : el('div', {class: 'card'}, empty('Too few blocks for intervals.')),
      l.count > 0 ? withNote(chart('latencies', 'From slot to finality', 'low', place => Charts.latencies(view, place)),
        `${l.count} final blocks: median ${s(l.median)}, 99th percentile ${s(l.p99)}, mean ${s(l.mean)}. ` +
        'Measured at the first node that held the block as final.')
        : el('div', {class: 'card'}, empty('No block became final.'))),
    el('div', {class: 'card'}, el('h3', {}, rows.length < total ? `Last ${rows.length} of ${total} blocks` : 'All blocks'),
      scroll(table(rows, [
        ['Height', 'num', b => b.height], ['Slot', 'num', b => b.slot], ['Time', 'num', b => time(b.time)],
        ['Hash', 'nowrap', b => el('span', {class: 'mono', title: b.hash}, b.hash.slice(0, 12))],
        ['Proposer', 'nowrap', b => b.proposer], ['Tx', 'num', b => b.transactions],
        ['Proofs', 'num', b => b.proofs], ['Work', 'num', b => b.work], ['Bytes', 'num', b => b.bytes],
        ['Final after', 'num', b => b.latency >= 0 ? `${b.latency.toFixed(2)} s` : b.finalized ? 'final' : 'not final']],
      'No blocks.'))));
  }

  const kSvg = 'http://www.w3.org/2000/svg';
  function spark(t, v) {
    const known = v.filter(x => x !== null);
    const low = Math.min(...known), high = Math.max(...known), t0 = t[0],
          span = t[t.length - 1] - t0 || 1;
    const points = t.map(
        (x, i) => v[i] === null ?
            null :
            `${((x - t0) / span * 116 + 2).toFixed(1)},${
                (23 - (high > low ? (v[i] - low) / (high - low) : 0.5) * 20).toFixed(1)}`);
    const svg = document.createElementNS(kSvg, 'svg'),
          line = document.createElementNS(kSvg, 'polyline');
    svg.setAttribute('class', 'spark');
    svg.setAttribute('viewBox', '0 0 120 26');
    line.setAttribute('points', points.filter(Boolean).join(' '));
    svg.append(line);
    return svg;
  }

  function metrics() {
    at('metrics').append(
        note(
            'Every metric of this run: its course from start to end, its last value and what it means.'),
        el('div', {class: 'card'},
           el('div', {class: 'scroll long'},
              table(
                  view.series,
                  [
                    ['Metric', 'nowrap', s => el('span', {class: 'mono'}, s.name)],
                    ['Course', '', s => spark(s.t, s.v)], ['Last', 'num', s => s.last],
                    ['Unit', '', s => s.unit || '–'], ['Kind', '', s => s.kind || '–'],
                    ['Meaning', '', s => s.meaning]
                  ],
                  'No metrics were recorded.'))));
  }

  function reproduce() {
    const {Command: command, ...rest} = view.reproduce;
    const list = el('dl', {class: 'keys'});
    for (const [label, value] of Object.entries(rest))
      list.append(el('dt', {}, label), el('dd', {}, value));
    at('reproduce')
        .append(el('div', {class: 'card'}, el('code', {class: 'command'}, command), list));
    const left = view.cuts.length ?
        ` Shown here for size: ${view.cuts.join(', ')}; the files beside it hold all.` :
        '';
    at('foot').textContent = 'One file, nothing loaded from elsewhere.' + left;
  }

  for (const build
           of [overview, network, finality, tasks, supply, faults, blocks, metrics, reproduce])
    build();
  for (const h2 of document.querySelectorAll('main h2')) {
    at('nav').append(el('a', {href: '#' + h2.parentElement.id}, h2.textContent.split(' ')[0]));
  }
  const drawAll = () => Promise.all(charts.map(c => Charts.draw(c.place, c.figure(c.place))));
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll);
  drawAll().then(() => {
    document.documentElement.dataset.ready = 'true';
  });
})();
