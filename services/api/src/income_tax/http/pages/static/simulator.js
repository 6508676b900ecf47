// Runs the simulator page: reads the form, calls the API, and shows the results.

import { Invalid, Trouble, assess, assessAll, fetchSchedule } from "./api_client.js";
import { showBrackets } from "./brackets.js";
import { chooseSalaries, showCurve } from "./curve.js";
import { findElement } from "./dom.js";
import {
  LARGEST, clearErrors, readForm, readFragment, removeCommas, showErrors, stepChildren, tidyForm, writeFragment,
} from "./household_form.js";
import { additionalRate, averageRate, due, showSteps, showSummary, showYears } from "./results.js";
import { chooseLanguage, text, translatePage } from "./translations.js";

const form = findElement("household");
const years = [...form.elements.year.options].map((option) => Number(option.value)).sort();
const BATCH_MAX = Number(form.dataset.batch); // maximum number of households in a request
const NEXT = 1000; // additional salary in euros whose tax the page shows

let controller = null; // the AbortController of the running calculation, which the next calculation aborts
let timer = 0; // the timer that starts a calculation after a change of the form
let shown = null; // the displayed results, kept to display them in another language

function setSalary(salary) {
  form.elements.salary.value = salary;
  calculate();
}

function setYear(year) {
  form.elements.year.value = year;
  calculate().then(() => document.querySelector("#years [aria-current]")?.focus());
}

function show() {
  const { result, more, same, along, schedule } = shown;
  findElement("results").hidden = false;
  const announcement = showSummary(result, more);
  showBrackets(schedule.scale.brackets, result);
  showYears(same, result.income_year, setYear);
  showCurve(along, { salary: result.salary, due: due(result), average: averageRate(result), additional: additionalRate(result, more) }, setSalary);
  showSteps(result.steps, schedule);
  return announcement;
}

function showTrouble(words) {
  findElement("trouble").textContent = words;
  findElement("trouble").hidden = !words;
  if (words) findElement("trouble").scrollIntoView({ block: "nearest" });
}

/**
 * Calculate the tax of the household in the form, and show the results. If the household is invalid, show its errors, and
 * mark the results of the last valid household as old. Return whether the results are new.
 */
async function calculate(focus = false) {
  clearTimeout(timer);
  controller?.abort();
  controller = new AbortController();
  const { signal } = controller;
  tidyForm();
  const household = readForm();
  writeFragment(household);
  findElement("results").setAttribute("aria-busy", "true");
  try {
    const result = await assess(household, signal);
    const salaries = chooseSalaries(household.salary);
    const more = { ...household, salary: Math.min(household.salary + NEXT, LARGEST) };
    const many = [more, ...years.map((year) => ({ ...household, year })), ...salaries.map((salary) => ({ ...household, salary }))];
    const [schedule, [next, ...rest]] = await Promise.all([fetchSchedule(household.year, signal), assessAll(many, BATCH_MAX, signal)]);
    clearErrors();
    showTrouble("");
    shown = { result, more: next, same: rest.slice(0, years.length), along: rest.slice(years.length), schedule };
    findElement("old").hidden = true;
    findElement("announcement").textContent = show();
    return true;
  } catch (error) {
    if (error.name === "AbortError") return false;
    clearErrors();
    if (error instanceof Invalid) {
      const { strangers, announced, first } = showErrors(error);
      showTrouble(strangers.join(" "));
      findElement("announcement").textContent = announced.join(" ");
      if (focus) first?.focus();
      first?.closest(".field").querySelector(".error").scrollIntoView({ block: "nearest" });
    } else if (error instanceof Trouble) {
      showTrouble(text(error.key, error.values));
      findElement("announcement").textContent = "";
    } else {
      throw error;
    }
    findElement("old").hidden = false;
    return false;
  } finally {
    if (!signal.aborted) findElement("results").setAttribute("aria-busy", "false");
  }
}

async function copyLink() {
  writeFragment(readForm());
  try {
    await navigator.clipboard.writeText(origin + location.pathname + location.hash); // without a login in the address
    findElement("shared").textContent = text("share.done");
  } catch {
    findElement("shared").textContent = text("share.failed");
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  calculate(true).then((fresh) => fresh && findElement("results-heading").scrollIntoView({ block: "nearest" }));
});
// Delays the calculation after a change, because Enter in a changed field causes a change event and a submit event.
// The submit event cancels the delayed calculation.
form.addEventListener("change", () => {
  clearTimeout(timer);
  timer = setTimeout(calculate);
});
// Undo and redo can change a field that has no focus. The browser sends no change event for such a field.
form.addEventListener("input", ({ inputType }) => {
  if (["historyUndo", "historyRedo"].includes(inputType)) calculate();
});
for (const button of form.querySelectorAll("[data-step]")) {
  button.addEventListener("click", () => {
    stepChildren(Number(button.dataset.step));
    calculate();
  });
}
for (const button of document.querySelectorAll("[data-language]")) {
  button.addEventListener("click", () => {
    removeCommas();
    chooseLanguage(button.dataset.language);
    findElement("shared").textContent = "";
    tidyForm();
    if (shown) show();
    if (!shown || !findElement("old").hidden) calculate();
  });
}
findElement("share").addEventListener("click", copyLink);
addEventListener("hashchange", () => {
  readFragment();
  calculate();
});

findElement("unloaded").remove();
translatePage();
if (!location.hash) form.elements.salary.value = "36000";
readFragment();
calculate();
