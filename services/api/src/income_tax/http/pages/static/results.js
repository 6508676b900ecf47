// The result in figures and words: amounts, rates, notes, years, and the steps of the calculation.

import { element, place } from "./element.js";
import { cents, currentLanguage, euros, percent, plain, text } from "./texts.js";

const tile = (name, value, about, kind) => element("div", kind ? { class: kind } : {},
  element("dt", {}, text(name)), element("dd", {}, value, element("small", {}, about)));

/** The amount due in euros, with the surtax on high incomes, also below the collection threshold. */
export const due = ({ tax, cehr }) => tax + cehr;

/** The amount due divided by the salaries, a fraction. */
export const averageRate = (result) => (due(result) ? due(result) / (result.salary + result.spouse_salary) : 0);

/** The rise of the amount due per euro of additional salary; `more` is the result with a salary higher by `step`. */
export const marginalRate = (result, more, step) => (due(more) - due(result)) / step;

/** Show the amount to pay with its tiles and notes; `more` is the result with a higher salary. */
export function showSummary(result, more, marginal) {
  const year = result.income_year, step = more.salary - result.salary;
  place("results-heading").textContent = text("results.heading", { year });
  place("collected").textContent = euros(result.collected);
  place("monthly").textContent = result.collected
    ? text("monthly", { amount: cents(result.collected / 12) }) : text("nothing");
  place("uncollected").hidden = !(due(result) && !result.collected);
  const average = percent(averageRate(result));
  const tiles = [
    tile("tax", euros(result.tax), ""),
    tile("average", average, text(result.cehr ? "average.about.cehr" : "average.about")),
    tile("marginal", percent(marginal), step ? text(more.cehr ? "marginal.about.cehr" : "marginal.about", { amount: euros(step) }) : "", "marginal"),
    tile("bracket", percent(result.rate), text("bracket.about")),
    tile("taxable", euros(result.taxable_income), text("taxable.about")),
    tile("shares", plain(result.shares), text("shares.about")),
  ];
  if (result.cehr) tiles.splice(1, 0, tile("cehr", euros(result.cehr), text("cehr.about")));
  place("tiles").replaceChildren(...tiles);
  const notes = (result.notes ?? []).map((note) => element("p", { class: "callout" }, note[currentLanguage()]));
  place("notes").replaceChildren(...notes);
  return text("announcement", { year, collected: euros(result.collected), tax: euros(result.tax), average });
}

// The CIMR concerns every result of 2018: the text above the chart mentions it.
const hasNotes = ({ notes = [] }) => notes.some(({ code }) => code !== "CIMR");

/** Show the same household under each year's law; `choose` receives the year of an activated bar. */
export function showYears(results, year, choose) {
  const most = Math.max(1, ...results.map((result) => result.collected));
  place("years").replaceChildren(...results.map((result) => {
    const own = result.income_year === year;
    const bar = element("span", { class: "bar", "aria-hidden": "true" });
    bar.style.width = `${(100 * result.collected) / most}%`;
    const amount = euros(result.collected);
    const button = element("button",
      { type: "button", "aria-current": own ? "true" : null, "aria-label": text("years.select", { year: result.income_year, amount }) },
      element("span", { class: "year" }, String(result.income_year)), element("span", { class: "track" }, bar),
      element("span", { class: "amount" }, amount));
    button.addEventListener("click", () => choose(result.income_year));
    return element("li", {}, button);
  }));
  const noted = results.filter((result) => result.income_year !== year && hasNotes(result)).map((result) => result.income_year);
  place("years-notes").textContent = noted.length > 0 ? text("years.notes", { years: noted.join(", ") }) : "";
}

const capital = (words) => words[0].toUpperCase() + words.slice(1);
const inUnit = (value, unit) => (unit === "EUR" ? euros(value) : unit === "1" ? percent(value) : plain(value));

const link = ([url, title]) => element("a", { href: url, target: "_blank", rel: "noopener noreferrer", lang: "fr" }, title);

// Link each legal text behind the decisive figures once.
function linkReferences(parameters, schedule) {
  const references = parameters.flatMap((name) => schedule[name]?.references ?? []);
  const found = new Map(references.filter(({ url }) => url).map(({ title, url }) => [url, title]));
  return [...found].flatMap((one) => [" · ", link(one)]);
}

/** Show every step with its formula, its numbers, its article, and the legal texts of its figures. */
export function showSteps(steps, schedule) {
  place("steps").replaceChildren(...steps.map((step) => element("li", {},
    element("div", { class: "step" },
      element("h3", {}, capital(step[currentLanguage()])), element("output", {}, inUnit(step.result, step.unit))),
    element("p", { class: "reference" }, step.reference, ...linkReferences(step.parameters, schedule)),
    element("pre", {},
      element("code", {}, `${step.name} = ${step.formula}\n`), element("code", { class: "numbers" }, `= ${step.numbers}`)))));
}
