// Draws the charts of the report with uPlot, in the colours of the page's colour scheme.

const { uPlot } = globalThis;
const HEIGHT = 250;
const FONT = "12px system-ui, sans-serif";
const charts = JSON.parse(document.querySelector("#charts").textContent);
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const short = (value) => Number(value.toPrecision(3));

const FORMATS = {
  count: (value) => (value >= 10_000 ? `${short(value / 1000)}k` : value.toLocaleString("en")),
  seconds: (value) => `${value.toLocaleString("en")} s`,
  percent: (value) => `${short(value)} %`,
  milliseconds: (value) => {
    if (value >= 1000) return `${short(value / 1000)} s`;
    if (value >= 1 || value === 0) return `${short(value)} ms`;
    return `${short(value * 1000)} µs`;
  },
};

/** Return the numbers from `low` to `high` that are 1, 2 or 5 times a power of ten. */
function logarithmicTicks(low, high) {
  const ticks = [];
  for (let decade = 10 ** Math.floor(Math.log10(low)); decade <= high; decade *= 10) {
    for (const part of [1, 2, 5]) if (part * decade >= low && part * decade <= high) ticks.push(part * decade);
  }
  return ticks;
}

/** Return the labels of an axis, with null for each label that would overlap the previous label. */
function labels(chart, ticks, texts, scale) {
  let taken = -Infinity;
  const isHorizontal = scale === "x";
  const order = [...ticks.keys()];
  chart.ctx.save();
  chart.ctx.font = FONT;
  const shown = order.map((index) => {
    const place = chart.valToPos(ticks[index], scale) * (isHorizontal ? 1 : -1);
    const half = isHorizontal ? chart.ctx.measureText(texts[index]).width / 2 + 4 : 8;
    if (place - half < taken) return null;
    taken = place + half;
    return texts[index];
  });
  chart.ctx.restore();
  return shown;
}

function axis({ unit, is_logarithmic: isLogarithmic, ticks: own }, scale) {
  const common = { scale, font: FONT, stroke: () => colour("soft"), ticks: { stroke: () => colour("rule"), width: 1, size: 5 } };
  const splits = own ? (_, __, low, high) => own.map(([place]) => place).filter((place) => place >= low && place <= high) : null;
  const names = new Map(own);
  const text = own ? (value) => names.get(value) : FORMATS[unit];
  const values = (chart, ticks) => labels(chart, ticks, ticks.map(text), scale);
  if (scale === "x") return { ...common, values, grid: { show: false }, size: 34, ...(splits && { splits }) };
  return {
    ...common, values, size: 62, grid: { stroke: () => colour("rule"), width: 1 },
    ...(isLogarithmic && { splits: (_, __, low, high) => logarithmicTicks(low, high), filter: (_, ticks) => ticks }),
  };
}

function series({ name, color, values }, kind) {
  const one = { label: name, stroke: () => colour(color), width: kind === "bars" ? 0 : 2 };
  if (kind === "bars") return { ...one, fill: () => colour(color), paths: uPlot.paths.bars({ size: [1], gap: 1 }), points: { show: false } };
  const isDot = values.length === 1;
  return { ...one, points: { show: isDot, size: 7, fill: () => colour(color) }, ...(kind === "area" && { fill: () => `${colour(color)}2a` }) };
}

/** Shade the ramp-up and the warm-up, which the results of the run exclude. */
function shade({ ctx, bbox, valToPos }, until) {
  if (!until) return;
  ctx.save();
  ctx.fillStyle = colour("shade");
  ctx.fillRect(bbox.left, bbox.top, Math.min(valToPos(until, "x", true), bbox.left + bbox.width) - bbox.left, bbox.height);
  ctx.restore();
}

/** Draw an outline around a text, so that lines behind the text do not make it unreadable. */
function halo(ctx, text, left, top) {
  ctx.save();
  ctx.strokeStyle = colour("card");
  ctx.lineWidth = 5 * devicePixelRatio;
  ctx.setLineDash([]);
  ctx.lineJoin = "round";
  ctx.strokeText(text, left, top);
  ctx.restore();
}

/** Draw a dashed line for each mark. The text of the mark is on the side of the line with more space. */
function mark({ ctx, bbox, valToPos }, marks) {
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = colour("ink");
  ctx.lineWidth = ratio;
  ctx.font = FONT.replace("12px", `${12 * ratio}px`);
  ctx.textBaseline = "top";
  ctx.setLineDash([3 * ratio, 3 * ratio]);
  for (const [place] of marks) {
    const x = valToPos(place, "x", true);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
  }
  for (const [row, [place, text]] of marks.entries()) {
    const x = valToPos(place, "x", true), isRight = x > bbox.left + bbox.width / 2;
    const left = x + (isRight ? -5 : 5) * ratio, top = bbox.top + (2 + 15 * row) * ratio;
    ctx.textAlign = isRight ? "right" : "left";
    halo(ctx, text, left, top);
    ctx.fillText(text, left, top);
  }
  ctx.restore();
}

function draw(name, chart) {
  const drawn = chart.series.toReversed(); // draws the bars of a stack from the highest to the lowest, so that no bar hides a lower bar
  const place = document.querySelector(`#${name}`), reading = place.parentElement.querySelector(".reading");
  const idle = reading.textContent;
  const read = ({ cursor: { idx: index } }) => {
    const [label, ...cells] = chart.rows[index] ?? [];
    reading.textContent = label ? `${label}: ${cells.map((cell, n) => `${chart.header[n + 1]} ${cell}`).join(", ")}` : idle;
  };
  const plot = new uPlot({
    width: place.clientWidth, height: HEIGHT, legend: { show: false }, padding: [12, 28, 0, 0],
    cursor: { y: false, drag: { x: false, y: false }, points: { show: chart.kind !== "bars" } },
    scales: {
      x: { time: false, range: [chart.x_axis.low, chart.x_axis.high] },
      y: { distr: chart.y_axis.is_logarithmic ? 3 : 1, range: [chart.y_axis.low, chart.y_axis.high] },
    },
    axes: [axis(chart.x_axis, "x"), axis(chart.y_axis, "y")],
    series: [{}, ...drawn.map((one) => series(one, chart.kind))],
    hooks: {
      drawClear: [(one) => shade(one, chart.shaded_until)],
      draw: [(one) => mark(one, chart.marks)],
      setCursor: [read],
    },
  }, [chart.x, ...drawn.map(({ values }) => values)], place);
  new ResizeObserver(() => plot.setSize({ width: place.clientWidth, height: HEIGHT })).observe(place);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => plot.redraw());
}

for (const [name, chart] of Object.entries(charts)) draw(name, chart);
