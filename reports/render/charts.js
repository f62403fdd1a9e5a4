// Charts of a run: pure functions from the page's data to Plotly traces and layouts. Text of nodes
// and users passes through plain(), because Plotly reads a little HTML in its labels.
'use strict';

const Charts = (() => {
  // Okabe and Ito's colours first, darkened or lightened for the ground they stand on.
  const kLight = [
    '#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00', '#7a6fb5', '#8a8f98',
    '#b3a100', '#44aa99', '#882255', '#4b4f9c', '#a0522d'
  ];
  const kDark = [
    '#4aa8e0', '#f2b134', '#2fc29a', '#e39ac3', '#8fd0f5', '#ff8a4c', '#a79de0', '#a2a8b0',
    '#d8ca3a', '#6fd0bf', '#c76a94', '#8f93e0', '#cf8a63'
  ];
  const kTaskStates = [
    ['settled', 2], ['refunded', 1], ['slashed', 5], ['challenged', 3], ['revealed', 9],
    ['committed', 4], ['assigned', 0], ['queued', 7]
  ];  // state, colour
  const kRoleShapes = {
    validator: 'square',
    miner: 'circle',
    user: 'triangle-up',
    bootstrap: 'star',
    full: 'diamond'
  };

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
    const out = Object.assign(
        {
          paper_bgcolor: 'rgba(0,0,0,0)',
          plot_bgcolor: 'rgba(0,0,0,0)',
          font: {family: css('--sans'), size: 12, color: css('--soft')},
          margin: {l: 52, r: 12, t: 14, b: 40},
          hovermode: 'x unified',
          dragmode: 'zoom',
          hoverlabel: {bgcolor: css('--card'), bordercolor: line, font: {color: css('--ink')}},
          legend: {orientation: 'h', y: -0.1, x: 0, font: {size: 12}, traceorder: 'normal'},
        },
        extra);
    for (const key of ['xaxis', 'yaxis', 'yaxis2']) {
      if (key !== 'yaxis2' || out[key]) out[key] = merge(out[key]);
    }
    return out;
  }

  // Units stand at the ticks: a title would fight with the legend for the space below.
  const ticks = chart => ({tickangle: 0, nticks: Math.max(3, Math.floor(chart.clientWidth / 80))});
  const timeAxis = (view, chart) => ({
    ticksuffix: ' ' + clock(view.seconds).unit,
    ...ticks(chart),
    range: [0, view.seconds / clock(view.seconds).size]
  });

  // Shaded windows of the faults, with their names in up to three rows above the plot.
  function windows(view, chart, named) {
    const size = clock(view.seconds).size;
    const shapes = [], annotations = [], rowEnds = [];
    for (const f of view.faults) {
      const begin = f.begin / size, end = (f.end < 0 ? view.seconds : f.end) / size;
      const long = end - begin > 0.4 * view.seconds / size;  // would drown the others
      shapes.push({
        type: 'rect',
        xref: 'x',
        yref: 'paper',
        x0: begin,
        x1: end,
        y0: 0,
        y1: 1,
        fillcolor: fade(colour(1), long ? 0.06 : 0.17),
        line: {width: 0},
        layer: 'below'
      });
      for (const x of f.end < 0 ? [begin] : [begin, end]) {
        shapes.push({
          type: 'line',
          xref: 'x',
          yref: 'paper',
          x0: x,
          x1: x,
          y0: 0,
          y1: 1,
          layer: 'below',
          line: {width: 1, color: fade(colour(1), 0.7), dash: long ? 'dot' : 'solid'}
        });
      }
      if (!named) continue;
      const width = (f.name.length * 6.5 + 12) / (chart.clientWidth - 64) * view.seconds / size;
      let row = rowEnds.findIndex(x => x <= begin);
      if (row < 0) row = rowEnds.length;
      if (row > 2) continue;  // the table below names every fault
      rowEnds[row] = begin + width;
      annotations.push({
        x: begin,
        y: 1,
        yref: 'paper',
        yshift: 4 + 15 * row,
        text: plain(f.name),
        showarrow: false,
        xanchor: 'left',
        yanchor: 'bottom',
        font: {size: 11, color: css('--warn')}
      });
    }
    return {shapes, annotations, rows: rowEnds.length};
  }

  const series = (view, name) => view.series.find(s => s.name === name);

  function finality(view, chart) {
    const size = clock(view.seconds).size;
    const line = (name, label, c, extra) => {
      const s = series(view, name);
      return s &&
          Object.assign(
              {
                name: label,
                x: s.t.map(t => t / size),
                y: s.v,
                mode: 'lines',
                line: {color: colour(c), width: 2}
              },
              extra);
    };
    const lag = line('finality.lag_blocks', 'blocks not yet final', 5, {
      yaxis: 'y2',
      fill: 'tozeroy',
      fillcolor: fade(colour(5), 0.2),
      line: {color: colour(5), width: 1.2, shape: 'hv'}
    });
    const traces = [
      line('height', 'height', 4, {line: {color: colour(4), width: 5}}),
      line('finalized_height', 'finalised height', 0), lag
    ];
    const marks = windows(view, chart, true);
    return {
      traces: traces.filter(Boolean),
      layout: layout({
        xaxis: Object.assign(timeAxis(view, chart), {anchor: lag ? 'y2' : 'y'}),
        yaxis: {title: {text: 'height'}, domain: lag ? [0.36, 1] : [0, 1], rangemode: 'tozero'},
        yaxis2: lag ? {title: {text: 'lag'}, domain: [0, 0.26], rangemode: 'tozero'} : undefined,
        margin: {l: 52, r: 12, t: 14 + 15 * marks.rows, b: 40},
        shapes: marks.shapes,
        annotations: marks.annotations
      })
    };
  }

  function tasks(view, chart) {
    const size = clock(view.seconds).size;
    const traces = [];
    const add = (name, c) => {
      const s = series(view, 'tasks.' + name);
      if (!s || !s.v.some(v => v > 0)) return;
      traces.push({
        name,
        x: s.t.map(t => t / size),
        y: s.v,
        mode: 'lines',
        stackgroup: 'tasks',
        line: {color: colour(c), width: 0.8, shape: 'hv'},
        fillcolor: fade(colour(c), 0.75)
      });
    };
    for (const [state, c] of kTaskStates) add(state, c);
    const fine = ['queued', 'assigned', 'committed', 'revealed', 'challenged'];
    if (!fine.some(state => series(view, 'tasks.' + state))) add('open', 0);
    return {
      traces,
      layout: layout({
        xaxis: timeAxis(view, chart),
        shapes: windows(view, chart, false).shapes,
        yaxis: {title: {text: 'tasks'}, rangemode: 'tozero'}
      })
    };
  }

  // mode: change (since the first sample) | stacked | log. Differences are taken in exact integers.
  function supply(view, chart, mode) {
    const time = clock(view.seconds), unit = 10 ** view.supply.decimals;
    const x = view.supply.t.map(t => t / time.size);
    const traces =
        Object.entries(view.supply.pools)
            .map(([pool, base], i) => {
              const first = BigInt(base[0] || '0');
              const y =
                  base.map(b => Number(mode === 'change' ? BigInt(b) - first : BigInt(b)) / unit);
              const trace =
                  {name: plain(pool), x, y, mode: 'lines', line: {color: colour(i), width: 2}};
              if (mode === 'stacked') {
                Object.assign(trace, {stackgroup: 'pools', fillcolor: fade(colour(i), 0.75)});
                trace.line.width = 0.8;
              }
              return trace;
            })
            .filter(t => t.y.some(v => v !== 0));
    const symbol = plain(view.supply.symbol);
    return {
      traces,
      layout: layout({
        xaxis: timeAxis(view, chart),
        shapes: windows(view, chart, false).shapes,
        yaxis: {
          title: {text: mode === 'change' ? `change (${symbol})` : symbol},
          type: mode === 'log' ? 'log' : 'linear',
          exponentformat: mode === 'log' ? 'power' : 'SI'
        }
      })
    };
  }

  function rewards(view, chart) {
    const unit = 10 ** view.supply.decimals;
    const rows = view.rewards.rows.slice().reverse();
    return {
      traces: [{
        type: 'bar',
        orientation: 'h',
        y: rows.map(r => plain(r.role)),
        x: rows.map(r => Number(BigInt(r.base)) / unit),
        hovertemplate: '%{y}: %{x}<extra></extra>',
        marker: {color: rows.map((r, i) => colour(rows.length - 1 - i))}
      }],
      layout: layout({
        hovermode: 'closest',
        bargap: 0.35,
        yaxis: {ticksuffix: '  '},
        xaxis: {ticksuffix: ' ' + plain(view.supply.symbol), ...ticks(chart), rangemode: 'tozero'}
      })
    };
  }

  const bars = (seconds, c, name) => {
    const top = Math.max(...seconds);
    return {
      type: 'histogram',
      x: seconds,
      histnorm: 'probability density',
      name,
      marker: {color: fade(colour(c), 0.6), line: {color: colour(c), width: 1}},
      xbins: {start: 0, end: top + 1, size: Math.max(top > 6 ? 1 : 0.1, Math.ceil(top / 30))}
    };
  };
  const density = (top, chart) => layout({
    bargap: 0.04,
    hovermode: 'closest',
    showlegend: true,
    xaxis: {ticksuffix: ' s', ...ticks(chart), range: [0, top * 1.03 || 1]},
    yaxis: {title: {text: 'share per second'}, rangemode: 'nonnegative'}
  });

  function intervals(view, chart) {
    const {seconds, mean} = view.blocks.intervals;
    const top = Math.max(...seconds), steps = 160;
    const x = Array.from({length: steps + 1}, (_, i) => top * i / steps);
    return {
      traces: [
        bars(seconds, 0, 'measured'),
        {
          x,
          y: x.map(t => Math.exp(-t / mean) / mean),
          mode: 'lines',
          name: `exponential, mean ${mean.toPrecision(4)} s`,
          line: {color: colour(5), width: 2.5}
        },
      ],
      layout: density(top, chart)
    };
  }

  function latencies(view, chart) {
    const {seconds} = view.blocks.latencies;
    return {traces: [bars(seconds, 2, 'blocks')], layout: density(Math.max(...seconds), chart)};
  }

  // Regions stand on an ellipse of the chart's proportions, the nodes of one region on a sunflower
  // spiral around its place.
  function place(rows, aspect) {
    const names = [...new Set(rows.map(n => n.region))].sort();
    const counts = names.map(name => rows.filter(n => n.region === name).length);
    const most = Math.max(1, ...counts), one = names.length === 1;
    const regions = names.map((name, i) => {
      const angle = Math.PI / 2 - 2 * Math.PI * (i + (names.length === 2 ? 0.5 : 0)) / names.length;
      return {
        name: name || 'no region',
        count: counts[i],
        seen: 0,
        x: one ? 0 : 1.05 * aspect * Math.cos(angle),
        y: one ? 0 : 1.05 * Math.sin(angle)
      };
    });
    const distances =
        regions.flatMap((a, i) => regions.slice(i + 1).map(b => Math.hypot(a.x - b.x, a.y - b.y)));
    const reach = one ? 1 : Math.max(0.1, Math.min(0.62, Math.min(...distances) / 2 - 0.2));
    for (const r of regions) r.radius = reach * Math.max(0.25, Math.sqrt(r.count / most));
    const at = rows.map(n => {
      const r = regions[names.indexOf(n.region)], k = r.seen++;
      const angle = k * 2.399963;  // the golden angle
      const radius = r.count === 1 ? 0 : r.radius * Math.sqrt((k + 0.5) / r.count);
      return [r.x + radius * Math.cos(angle), r.y + radius * Math.sin(angle)];
    });
    return {at, regions};
  }

  // Sessions as faint arcs that lean towards the middle.
  function sessions(links, at) {
    const x = [], y = [];
    for (const [a, b] of links) {
      x.push(at[a][0], (at[a][0] + at[b][0]) * 0.42, at[b][0], null);
      y.push(at[a][1], (at[a][1] + at[b][1]) * 0.42, at[b][1], null);
    }
    const alpha = Math.max(0.1, Math.min(0.55, 40 / Math.max(1, links.length)));
    return {
      x,
      y,
      mode: 'lines',
      name: 'session',
      hoverinfo: 'skip',
      line: {width: 1, shape: 'spline', color: fade(colour(7), alpha)}
    };
  }

  function network(view, chart) {
    const aspect = Math.max(0.8, Math.min(2.2, chart.clientWidth / chart.clientHeight));
    const rows = view.nodes.rows, {at, regions} = place(rows, aspect);
    const size = Math.max(5, Math.min(17, 130 / Math.sqrt(rows.length)));
    const traces = [sessions(view.nodes.links, at)];
    const points = (name, chosen, marker) => {
      const index = rows.map((n, i) => i).filter(i => chosen(rows[i]));
      if (index.length === 0) return;
      traces.push({
        name,
        mode: 'markers',
        x: index.map(i => at[i][0]),
        y: index.map(i => at[i][1]),
        text: index.map(i => hover(rows[i])),
        hovertemplate: '%{text}<extra></extra>',
        marker
      });
    };
    [...new Set(rows.map(n => n.role))].sort().forEach(
        (role, i) => points(plain(role), n => n.role === role, {
          size,
          color: colour(i),
          symbol: kRoleShapes[role] || 'hexagon',
          line: {width: size > 9 ? 1.5 : 0, color: css('--card')}
        }));
    points(
        'misbehaving', n => n.behaviour !== 'honest',
        {size: size + 9, symbol: 'circle-open', color: colour(5), line: {width: 2.5}});
    points('slashed', n => n.slashed, {
      size: size * 0.7,
      symbol: 'x-thin',
      color: css('--ink'),
      line: {width: 2.5, color: css('--ink')}
    });
    const margin = 0.14, hidden = {visible: false};
    const discs = regions.map(r => ({
                                type: 'circle',
                                layer: 'below',
                                fillcolor: css('--wash'),
                                line: {width: 0},
                                x0: r.x - r.radius - margin,
                                x1: r.x + r.radius + margin,
                                y0: r.y - r.radius - margin,
                                y1: r.y + r.radius + margin
                              }));
    const labels = regions.map(r => ({
                                 x: r.x,
                                 y: r.y + r.radius + margin,
                                 showarrow: false,
                                 yanchor: 'bottom',
                                 text: `<b>${plain(r.name)}</b>`,
                                 font: {size: 13, color: css('--ink')}
                               }));
    return {
      traces,
      layout: layout({
        hovermode: 'closest',
        dragmode: 'pan',
        xaxis: hidden,
        yaxis: Object.assign({scaleanchor: 'x'}, hidden),
        margin: {l: 4, r: 4, t: 8, b: 8},
        legend: {orientation: 'h', y: -0.01, x: 0, font: {size: 12}, itemsizing: 'constant'},
        shapes: discs,
        annotations: labels
      })
    };
  }

  function hover(n) {
    const lines = [
      `<b>${plain(n.name)}</b>`, `${plain(n.role)} of group ${plain(n.group)}`,
      `height ${n.height}, final ${n.finalized}`, `${n.peers} sessions, ${n.boots} boots`,
      `stake ${plain(n.stake)}`
    ];
    if (n.behaviour !== 'honest') lines.push(`behaves: <b>${plain(n.behaviour)}</b>`);
    if (n.slashed) lines.push('<b>slashed</b>');
    return lines.join('<br>');
  }

  const config = {responsive: true, displayModeBar: false, plotlyServerURL: ''};
  const draw = (chart, figure) => Plotly.react(chart, figure.traces, figure.layout, config);
  const svg = (chart, name) => Plotly.downloadImage(
      chart, {format: 'svg', filename: name, width: chart.clientWidth, height: chart.clientHeight});

  // What a chart shows, as CSV.
  function csv(chart) {
    const cell = v => v == null ? '' : /[",\n]/.test(v) ? `"${String(v).replace(/"/g, '""')}"` : v;
    const lines = ['series,x,y'];
    for (const t of chart.data) {
      (t.x ||
       []).forEach((x, i) => lines.push([t.name || '', x, t.y ? t.y[i] : ''].map(cell).join()));
    }
    return lines.join('\n') + '\n';
  }

  return {clock, draw, csv, svg, latencies, network, finality, tasks, supply, rewards, intervals};
})();
