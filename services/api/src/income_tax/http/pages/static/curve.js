// Draws the chart of tax and rates as functions of the salary. A mark shows the household's own salary.

import uPlot from "./vendor/uplot/uPlot.esm.js";
import { createElement, createTable, findElement } from "./dom.js";
import { euros, percent, plain } from "./format.js";
import { LARGEST } from "./household_form.js";
import { averageRate, due } from "./results.js";
import { text } from "./translations.js";

const POINTS = 100;
// The possible last salaries of the chart, before multiplication by a power of ten.
const TOPS = [60, 80, 100, 150, 200, 300, 400, 600, 800, 1000];

/**
 * Return the salaries of the chart, which rise in equal steps from 0. The last salary is a round number that is at
 * least 1.6 times the household's salary. If that number is invalid, the last salary is near the highest valid salary.
 */
export function chooseSalaries(salary) {
  let top = 0;
  for (let scale = 1000; !top; scale *= 10) top = TOPS.map((one) => one * scale).find((one) => one >= 1.6 * salary) ?? 0;
  top = Math.min(top, LARGEST - (LARGEST % POINTS));
  return Array.from({ length: POINTS + 1 }, (_, index) => (top / POINTS) * index);
}

let plot = null;
let drawn = null; // the data of the chart, kept to redraw the chart in another size or other colours

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

const entry = (kind, name, value, ...more) =>
  createElement("span", { class: `key ${kind}` }, `${name} `, createElement("b", {}, value), ...more);

// Shows the values of a point. The words "this household" keep their place when they are invisible, so that the chart
// does not move while the pointer moves.
function legend({ salary, due: owed, average, additional }, own) {
  findElement("curve-legend").replaceChildren(
    entry("salary", text("curve.salary"), euros(salary), createElement("i", own ? {} : { class: "invisible" }, text("curve.you"))),
    entry("tax", drawn.name, euros(owed)), entry("average", text("average"), percent(average)),
    entry("additional", text("additional"), percent(additional)));
}

function marker(chart) {
  const { ctx, bbox } = chart;
  const x = chart.valToPos(drawn.own.salary, "x", true), y = chart.valToPos(drawn.own.due, "due", true);
  const ratio = window.devicePixelRatio;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = colour("ink");
  ctx.lineWidth = ratio;
  ctx.setLineDash([4 * ratio, 3 * ratio]);
  ctx.beginPath();
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
  ctx.beginPath();
  ctx.arc(x, y, 5 * ratio, 0, 2 * Math.PI);
  ctx.fill();
  ctx.restore();
}

const short = (value) => text(value >= 1e6 ? "curve.millions" : value >= 1000 ? "curve.thousands" : "curve.euros",
  { count: plain(value >= 1e6 ? value / 1e6 : value >= 1000 ? value / 1000 : value) });

function options(width) {
  const axis = { stroke: colour("muted"), grid: { stroke: colour("line"), width: 1 }, ticks: { show: false }, font: "12px system-ui" };
  const narrow = width < 480;
  const size = narrow ? 48 : 56;
  return {
    width, height: narrow ? 230 : 310, legend: { show: false }, pxAlign: 0,
    cursor: { y: false, points: { size: 8 }, drag: { x: false, y: false } },
    scales: { x: { time: false }, due: { range: (_, __, max) => [0, Math.max(max * 1.05, 100)] }, rate: { range: () => [0, 0.6] } },
    axes: [
      { ...axis, size: 30, grid: { show: false }, space: narrow ? 60 : 80, values: (_, ticks) => ticks.map(short) },
      { ...axis, scale: "due", size, values: (_, ticks) => ticks.map(short) },
      { ...axis, scale: "rate", side: 1, size: 44, grid: { show: false }, values: (_, ticks) => ticks.map((tick) => percent(tick)) },
    ],
    series: [
      {},
      { scale: "due", stroke: colour("accent"), width: 2.5, fill: colour("accent-wash") },
      { scale: "rate", stroke: colour("average"), width: 2, dash: [6, 4] },
      { scale: "rate", stroke: colour("additional"), width: 2, dash: [2, 3], paths: uPlot.paths.stepped({ align: 1 }) },
    ],
    hooks: {
      draw: [marker],
      setCursor: [({ cursor: { idx } }) => {
        const [salaries, dues, averages, additionals] = drawn.data;
        if (idx === null || idx === undefined) legend(drawn.own, true);
        else legend({ salary: salaries[idx], due: dues[idx], average: averages[idx], additional: additionals[idx] }, false);
      }],
      ready: [(chart) => chart.over.addEventListener("click", () => {
        if (Number.isInteger(chart.cursor.idx)) drawn.choose(drawn.data[0][chart.cursor.idx]);
      })],
    },
  };
}

function draw() {
  const box = findElement("curve");
  if (!drawn || !box.clientWidth) return;
  plot?.destroy();
  plot = new uPlot(options(box.clientWidth), drawn.data, box);
}

new ResizeObserver(() => {
  if (plot && plot.width !== findElement("curve").clientWidth) draw();
}).observe(findElement("curve"));
for (const query of ["screen and (prefers-color-scheme: dark)", "(forced-colors: active)"]) matchMedia(query).addEventListener("change", draw);
for (const event of ["beforeprint", "afterprint"]) addEventListener(event, draw);

/**
 * Draw the curve of `results`, whose salaries rise in equal steps. `own` is the point of the household. A click on the
 * chart calls `choose` with the salary at the pointer.
 */
export function showCurve(results, own, choose) {
  const salaries = results.map((result) => result.salary), dues = results.map(due);
  const last = results.length - 1, step = salaries[1] - salaries[0];
  const averages = results.map(averageRate);
  const additionals = dues.map((_, index) => (dues[Math.min(index + 1, last)] - dues[Math.min(index, last - 1)]) / step);
  const name = text(results.some(({ cehr }) => cehr) ? "due" : "tax");
  drawn = { data: [salaries, dues, averages, additionals], own, choose, name };
  draw();
  legend(own, true);
  findElement("curve-summary").textContent = text("curve.summary", {
    name, from: euros(salaries[0]), to: euros(salaries[last]), least: euros(dues[0]), most: euros(dues[last]),
    salary: euros(own.salary), due: euros(own.due), average: percent(own.average), additional: percent(own.additional),
  });
  const rows = salaries.map((salary, index) => [salary, index]).filter(([, index]) => index % 10 === 0)
    .map(([salary, index]) => [euros(salary), euros(dues[index]), percent(averages[index]), percent(additionals[index])]);
  findElement("curve-table").replaceChildren(createTable(text("curve.heading"),
    [text("curve.salary"), name, text("average"), text("additional")], rows));
}
