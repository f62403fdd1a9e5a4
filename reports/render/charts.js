// Charts of a run: pure functions from the page's data to Plotly traces and layouts. Text of nodes
// and users passes through plain(), because Plotly reads a little HTML in its labels.
'use strict';

const Charts = (() => {
  // Okabe and Ito's colours first, darkened or lightened for the ground they stand on.
  const kLight = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00', '#7a6fb5',
    '#8a8f98', '#b3a100', '#44aa99', '#882255', '#4b4f9c', '#a0522d'];
  const kDark = ['#4aa8e0', '#f2b134', '#2fc29a', '#e39ac3', '#8fd0f5', '#ff8a4c', '#a79de0',
    '#a2a8b0', '#d8ca3a', '#6fd0bf', '#c76a94', '#8f93e0', '#cf8a63'];
  const kTaskStates = [['settled', 2], ['refunded', 1], ['slashed', 5], ['challenged', 3],
    ['revealed', 9], ['committed', 4], ['assigned', 0], ['queued', 7]];  // state, colour
  const kRoleShapes = {validator: 'square', miner: 'circle', user: 'triangle-up', bootstrap: 'star',
    full: 'diamond'};

  const dark = () => matchMedia('(prefers-color-scheme: dark)').matches;
  const colour = i => (dark() ? kDark : kLight)[i % kLight.length];
  const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const plain = s => String(s).replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
  const fade = (hex, alpha) => hex + Math.round(alpha * 255).toString(16).padStart(2, '0');

  // Virtual time is shown in the largest unit that keeps the run longer than two of it.
  function clock(seconds) {
    if (seconds > 2 * 86400) return {unit: 'days', size: 86400};
    if (seconds > 2 * 3600) return {unit: 'h', size: 3600};
    if (seconds > 300) return {unit: 'min', size: 60};
    return {unit: 's', size: 1};
  }

  function layout(extra) {
    const line = css('--line');
    const axis = {gridcolor: line, linecolor: line, zerolinecolor: line, automargin: true};
    const merge = a => Object.assign({}, axis, a);
    const out = Object.assign({
      paper_bgcolor: 'rgba(0,0,0,0)', plot_bgcolor: 'rgba(0,0,0,0)',
      font: {family: css('--sans'), size: 12, color: css('--soft')},
      margin: {l: 52, r: 12, t: 14, b: 40}, hovermode: 'x unified', dragmode: 'zoom',
      hoverlabel: {bgcolor: css('--card'), bordercolor: line, font: {color: css('--ink')}},
      legend: {orientation: 'h', y: -0.16, x: 0, font: {size: 12}, traceorder: 'normal'},
    }, extra);
    for (const key of ['xaxis', 'yaxis', 'yaxis2']) {
      if (key !== 'yaxis2' || out[key]) out[key] = merge(out[key]);
    }
    return out;
  }

  const timeAxis = view => ({title: {text: `virtual time (${clock(view.seconds).unit})`},
    range: [0, view.seconds / clock(view.seconds).size], rangemode: 'nonnegative'});

  // Shaded windows of the faults, with their names in up to three rows above the plot.
  function windows(view, named) {
    const size = clock(view.seconds).size;
    const shapes = [], annotations = [], rowEnds = [];
    for (const f of view.faults) {
      const begin = f.begin / size, end = (f.end < 0 ? view.seconds : f.end) / size;
      shapes.push({type: 'rect', xref: 'x', yref: 'paper', x0: begin, x1: end, y0: 0, y1: 1,
        fillcolor: fade(colour(1), dark() ? 0.16 : 0.15), line: {width: 1, color: fade(colour(1), 0.55)},
        layer: 'below'});
      if (!named) continue;
      const width = (f.name.length + 4) * view.seconds / size * 0.011;
      let row = rowEnds.findIndex(x => x <= begin);
      if (row < 0) row = rowEnds.length;
      if (row > 2) continue;  // the table below names every fault
      rowEnds[row] = begin + width;
      annotations.push({x: begin, y: 1, yref: 'paper', yshift: 4 + 15 * row, text: plain(f.name),
        showarrow: false, xanchor: 'left', yanchor: 'bottom', font: {size: 11, color: css('--warn')}});
    }
    return {shapes, annotations, rows: rowEnds.length};
  }

  const series = (view, name) => view.series.find(s => s.name === name);

  function finality(view) {
    const size = clock(view.seconds).size;
    const line = (name, label, c, extra) => {
      const s = series(view, name);
      return s && Object.assign({name: label, x: s.t.map(t => t / size), y: s.v, mode: 'lines',
        line: {color: colour(c), width: 2}}, extra);
    };
    const lag = line('finality.lag_blocks', 'blocks not yet final', 5, {yaxis: 'y2', fill: 'tozeroy',
      fillcolor: fade(colour(5), 0.2), line: {color: colour(5), width: 1.2, shape: 'hv'}});
    const traces = [line('height', 'height', 0), line('finalized_height', 'finalised height', 2), lag];
    const marks = windows(view, true);
    return {traces: traces.filter(Boolean), layout: layout({
      xaxis: Object.assign(timeAxis(view), {anchor: lag ? 'y2' : 'y'}),
      yaxis: {title: {text: 'height'}, domain: lag ? [0.36, 1] : [0, 1], rangemode: 'tozero'},
      yaxis2: lag ? {title: {text: 'lag'}, domain: [0, 0.26], rangemode: 'tozero'} : undefined,
      margin: {l: 52, r: 12, t: 14 + 15 * marks.rows, b: 40},
      shapes: marks.shapes, annotations: marks.annotations})};
  }

  function tasks(view) {
    const size = clock(view.seconds).size;
    const traces = [];
    const add = (name, c) => {
      const s = series(view, 'tasks.' + name);
      if (!s || !s.v.some(v => v > 0)) return;
      traces.push({name, x: s.t.map(t => t / size), y: s.v, mode: 'lines', stackgroup: 'tasks',
        line: {color: colour(c), width: 0.8, shape: 'hv'}, fillcolor: fade(colour(c), 0.75)});
    };
    for (const [state, c] of kTaskStates) add(state, c);
    const fine = ['queued', 'assigned', 'committed', 'revealed', 'challenged'];
    if (!fine.some(state => series(view, 'tasks.' + state))) add('open', 0);
    return {traces, layout: layout({xaxis: timeAxis(view), shapes: windows(view, false).shapes,
      yaxis: {title: {text: 'tasks'}, rangemode: 'tozero'}})};
  }

  // mode: change (since the first sample) | stacked | log. Differences are taken in exact integers.
  function supply(view, mode) {
    const time = clock(view.seconds), unit = 10 ** view.supply.decimals;
    const x = view.supply.t.map(t => t / time.size);
    const traces = Object.entries(view.supply.pools).map(([pool, base], i) => {
      const first = BigInt(base[0] || '0');
      const y = base.map(b => Number(mode === 'change' ? BigInt(b) - first : BigInt(b)) / unit);
      const trace = {name: plain(pool), x, y, mode: 'lines', line: {color: colour(i), width: 2}};
      if (mode === 'stacked') {
        Object.assign(trace, {stackgroup: 'pools', fillcolor: fade(colour(i), 0.75)});
        trace.line.width = 0.8;
      }
      return trace;
    }).filter(t => t.y.some(v => v !== 0));
    const symbol = plain(view.supply.symbol);
    return {traces, layout: layout({xaxis: timeAxis(view), shapes: windows(view, false).shapes,
      yaxis: {title: {text: mode === 'change' ? `change since the start (${symbol})` : symbol},
        type: mode === 'log' ? 'log' : 'linear', exponentformat: mode === 'log' ? 'power' : 'SI'}})};
  }

  function rewards(view) {
    const unit = 10 ** view.supply.decimals;
    const rows = view.rewards.rows.slice().reverse();
    return {traces: [{type: 'bar', orientation: 'h', y: rows.map(r => plain(r.role)),
      x: rows.map(r => Number(BigInt(r.base)) / unit), hovertemplate: '%{y}: %{x}<extra></extra>',
      marker: {color: rows.map((r, i) => colour(rows.length - 1 - i))}}],
    layout: layout({hovermode: 'closest', bargap: 0.35, yaxis: {ticksuffix: '  '},
      xaxis: {title: {text: plain(view.supply.symbol)}, rangemode: 'tozero'}})};
  }

  function intervals(view) {
    const {seconds, mean} = view.blocks.intervals;
    const top = Math.max(...seconds), steps = 160;
    const x = Array.from({length: steps + 1}, (_, i) => top * i / steps);
    return {traces: [
      {type: 'histogram', x: seconds, histnorm: 'probability density', name: 'measured',
        marker: {color: fade(colour(0), 0.65), line: {color: colour(0), width: 1}},
        xbins: {start: 0, end: top + 1, size: Math.max(1, Math.ceil(top / 30))}},
      {x, y: x.map(t => Math.exp(-t / mean) / mean), mode: 'lines',
        name: `exponential, mean ${mean.toPrecision(4)} s`, line: {color: colour(5), width: 2.5}},
    ], layout: layout({bargap: 0.04, hovermode: 'closest',
      xaxis: {title: {text: 'seconds between blocks'}, range: [0, top * 1.03]},
      yaxis: {title: {text: 'density (1/s)'}}})};
  }

  // Regions stand on an ellipse, the nodes of one region on a sunflower spiral around its place.
  function place(rows) {
    const regions = [...new Set(rows.map(n => n.region))].sort();
    const most = Math.max(1, ...regions.map(r => rows.filter(n => n.region === r).length));
    const reach = regions.length > 1 ? Math.min(0.62, 1.9 / regions.length) : 1;
    const seen = {}, at = [], labels = [];
    const centre = regions.map((_, i) => {
      const angle = Math.PI / 2 - 2 * Math.PI * (i + (regions.length === 2 ? 0.5 : 0)) / regions.length;
      return regions.length > 1 ? [1.75 * Math.cos(angle), 1.05 * Math.sin(angle)] : [0, 0];
    });
    const counts = regions.map(r => rows.filter(n => n.region === r).length);
    for (const n of rows) {
      const r = regions.indexOf(n.region), k = seen[r] = (seen[r] ?? -1) + 1;
      const spread = reach * Math.sqrt(counts[r] / most), angle = k * 2.399963;  // golden angle
      const radius = counts[r] === 1 ? 0 : spread * Math.sqrt((k + 0.5) / counts[r]);
      at.push([centre[r][0] + radius * Math.cos(angle), centre[r][1] + radius * Math.sin(angle)]);
    }
    regions.forEach((name, r) => labels.push({name: name || 'no region', x: centre[r][0],
      y: centre[r][1] + reach * Math.sqrt(counts[r] / most) + 0.1}));
    return {at, labels};
  }

  function network(view) {
    const rows = view.nodes.rows, {at, labels} = place(rows);
    const x = [], y = [];
    for (const [a, b] of view.nodes.links) {
      x.push(at[a][0], at[b][0], null);
      y.push(at[a][1], at[b][1], null);
    }
    const alpha = Math.max(0.08, Math.min(0.45, 30 / Math.max(1, view.nodes.links.length)));
    const size = Math.max(5, Math.min(17, 130 / Math.sqrt(rows.length)));
    const traces = [{x, y, mode: 'lines', name: 'sessions', hoverinfo: 'skip',
      line: {width: 1, color: fade(colour(7), alpha)}}];
    const roles = [...new Set(rows.map(n => n.role))].sort();
    const points = (name, chosen, marker) => {
      const index = rows.map((n, i) => i).filter(i => chosen(rows[i]));
      if (index.length === 0) return;
      traces.push({name, mode: 'markers', x: index.map(i => at[i][0]), y: index.map(i => at[i][1]),
        text: index.map(i => hover(rows[i])), hovertemplate: '%{text}<extra></extra>', marker});
    };
    roles.forEach((role, i) => points(plain(role), n => n.role === role, {size, color: colour(i),
      symbol: kRoleShapes[role] || 'hexagon', line: {width: 1.5, color: css('--card')}}));
    points('misbehaving', n => n.behaviour !== 'honest', {size: size + 9, symbol: 'circle-open',
      color: colour(5), line: {width: 2.5}});
    points('slashed', n => n.slashed, {size: size * 0.7, symbol: 'x-thin', color: css('--ink'),
      line: {width: 2.5, color: css('--ink')}});
    const hidden = {visible: false, fixedrange: false};
    return {traces, layout: layout({hovermode: 'closest', dragmode: 'pan', xaxis: hidden,
      yaxis: Object.assign({scaleanchor: 'x'}, hidden), margin: {l: 4, r: 4, t: 8, b: 8},
      legend: {orientation: 'h', y: -0.02, x: 0, font: {size: 12}},
      annotations: labels.map(l => ({x: l.x, y: l.y, text: `<b>${plain(l.name)}</b>`,
        showarrow: false, yanchor: 'bottom', font: {size: 13, color: css('--ink')}}))})};
  }

  function hover(n) {
    const lines = [`<b>${plain(n.name)}</b>`, `${plain(n.role)} of group ${plain(n.group)}`,
      `height ${n.height}, final ${n.finalized}`, `${n.peers} sessions, ${n.boots} boots`,
      `stake ${plain(n.stake)}`];
    if (n.behaviour !== 'honest') lines.push(`behaves: <b>${plain(n.behaviour)}</b>`);
    if (n.slashed) lines.push('<b>slashed</b>');
    return lines.join('<br>');
  }

  const config = {responsive: true, displaylogo: false, plotlyServerURL: '',
    modeBarButtonsToRemove: ['select2d', 'lasso2d', 'autoScale2d', 'toggleSpikelines'],
    toImageButtonOptions: {format: 'svg', filename: 'orrery'}};

  const draw = (place, figure) => Plotly.react(place, figure.traces, figure.layout, config);

  // What a chart shows, as CSV.
  function csv(place) {
    const cell = v => v == null ? '' : /[",\n]/.test(v) ? `"${String(v).replace(/"/g, '""')}"` : v;
    const lines = ['series,x,y'];
    for (const t of place.data) {
      (t.x || []).forEach((x, i) => lines.push([t.name || '', x, t.y ? t.y[i] : ''].map(cell).join()));
    }
    return lines.join('\n') + '\n';
  }

  return {clock, draw, csv, network, finality, tasks, supply, rewards, intervals};
})();
