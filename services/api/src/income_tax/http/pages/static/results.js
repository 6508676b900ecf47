// Shows the result: amounts, rates, notes, the amount of each year, and the steps of the calculation.

import { createElement, findElement } from "./dom.js";
import { cents, euros, percent, plain } from "./format.js";
import { currentLanguage, text } from "./translations.js";

const tile = (name, value, about, kind) => createElement("div", kind ? { class: kind } : {},
  createElement("dt", {}, name), createElement("dd", {}, value, createElement("small", {}, about)));

const ROUNDING = 2; // euros by which the roundings of the law can change a difference of two taxes

/** Return the sum of tax and surtax on high incomes, in euros. The sum ignores the collection threshold. */
export const due = ({ tax, cehr }) => tax + cehr;

/** Return the tax and surtax, divided by the sum of the salaries. */
export const averageRate = (result) => (due(result) ? due(result) / (result.salary + result.spouse_salary) : 0);

/** Return the tax and surtax per additional euro of salary. `more` is the result for a higher salary. */
export const additionalRate = (result, more) =>
  (more.salary > result.salary ? (due(more) - due(result)) / (more.salary - result.salary) : result.rate);

// Returns the key of the text that explains why the tax on the next euros differs from the rate of the bracket.
function explainAdditional(result, more) {
  const step = more.salary - result.salary, extra = due(more) - due(result);
  const excess = extra - result.rate * step;
  if (!extra) return "additional.none";
  if (Math.abs(excess) <= ROUNDING) return "additional.equal";
  if (excess < 0) return due(result) ? "additional.deduction" : "additional.start";
  if (result.discount > more.discount) return "additional.discount";
  if (result.reduction > more.reduction) return "additional.reduction";
  return more.rate > result.rate ? "additional.bracket" : "additional.cehr";
}

function additionalTile(result, more) {
  const values = { rate: percent(additionalRate(result, more)), tmi: percent(result.rate), next: percent(more.rate) };
  const name = text(more.cehr ? "additional.cehr.amount" : "additional.amount", { amount: euros(more.salary - result.salary) });
  return tile(name, euros(due(more) - due(result)), text(explainAdditional(result, more), values), "additional");
}

/** Show the amount to pay, the tiles and the notes. Return a text for screen readers. `more` has a higher salary. */
export function showSummary(result, more) {
  const year = result.income_year;
  findElement("results-heading").textContent = text("results.heading", { year });
  findElement("collected").textContent = euros(result.collected);
  findElement("monthly").textContent = result.collected
    ? text("monthly", { amount: cents(result.collected / 12) }) : text("nothing");
  findElement("uncollected").hidden = !(due(result) && !result.collected);
  const average = percent(averageRate(result));
  const tiles = [
    tile(text("tax"), euros(result.tax), ""),
    ...(result.cehr ? [tile(text("cehr"), euros(result.cehr), text("cehr.about"))] : []),
    tile(text("average"), average, text(result.cehr ? "average.about.cehr" : "average.about")),
    tile(text("tmi"), percent(result.rate), text("tmi.about")),
    ...(more.salary > result.salary ? [additionalTile(result, more)] : []),
    tile(text("taxable"), euros(result.taxable_income), text("taxable.about")),
    tile(text("shares"), plain(result.shares), text("shares.about")),
  ];
  findElement("tiles").replaceChildren(...tiles);
  const notes = (result.notes ?? []).map((note) => createElement("p", { class: "callout" }, note[currentLanguage()]));
  findElement("notes").replaceChildren(...notes);
  return text("announcement", { year, collected: euros(result.collected), tax: euros(result.tax), average });
}

/** Show the amount to pay under the law of each year. A click on a bar calls `choose` with the year of the bar. */
export function showYears(results, year, choose) {
  const most = Math.max(1, ...results.map((result) => result.collected));
  findElement("years").replaceChildren(...results.map((result) => {
    const own = result.income_year === year;
    const bar = createElement("span", { class: "bar", "aria-hidden": "true" });
    bar.style.width = `${(100 * result.collected) / most}%`;
    const amount = euros(result.collected);
    const button = createElement("button",
      { type: "button", "aria-current": own ? "true" : null, "aria-label": text("years.select", { year: result.income_year, amount }) },
      createElement("span", { class: "year" }, String(result.income_year)),
      createElement("span", { class: "track" }, bar),
      createElement("span", { class: "amount" }, amount));
    button.addEventListener("click", () => choose(result.income_year));
    return createElement("li", {}, button);
  }));
}

const capital = (words) => words[0].toUpperCase() + words.slice(1);
const inUnit = (value, unit) => (unit === "EUR" ? euros(value) : unit === "1" ? percent(value) : plain(value));

const link = ([url, title]) =>
  createElement("a", { href: url, target: "_blank", rel: "noopener noreferrer", lang: "fr" }, title);

// Returns links to the legal texts of the parameters. If parameters share a text, the function returns one link.
function linkReferences(parameters, schedule) {
  const references = parameters.flatMap((name) => schedule[name]?.references ?? []);
  const found = new Map(references.filter(({ url }) => url).map(({ title, url }) => [url, title]));
  return [...found].flatMap((one) => [" · ", link(one)]);
}

/** Show each step with its formula, its numbers, its article, and the legal texts of its parameters. */
export function showSteps(steps, schedule) {
  findElement("steps").replaceChildren(...steps.map((step) => createElement("li", {},
    createElement("div", { class: "step" },
      createElement("h3", {}, capital(step[currentLanguage()])),
      createElement("output", {}, inUnit(step.result, step.unit))),
    createElement("p", { class: "reference" }, step.reference, ...linkReferences(step.parameters, schedule)),
    createElement("pre", {},
      createElement("code", {}, `${step.name} = ${step.formula}\n`),
      createElement("code", { class: "numbers" }, `= ${step.numbers}`)))));
}
