// The simulator: reads the form, calls the API and shows the results.

import { Invalid, Trouble, assess, assessAll, fetchSchedule } from "./api.js";
import { showBrackets } from "./brackets.js";
import { chooseSalaries, showCurve } from "./curve.js";
import { place } from "./element.js";
import {
  LARGEST, clearErrors, readForm, readFragment, showErrors, stepChildren, tidyForm, writeFragment,
} from "./household.js";
import { averageRate, due, marginalRate, showSteps, showSummary, showYears } from "./results.js";
import { chooseLanguage, text, translatePage } from "./texts.js";

const form = place("household");
const years = [...form.elements.year.options].map((option) => Number(option.value)).sort();
const BATCH_MAX = Number(form.dataset.batch); // households in a request
const NEXT = 1000; // euros of additional salary for the marginal rate

let controller = null; // of the running calculation, which a newer one cancels
let timer = 0; // of the calculation after a change
let shown = null; // the displayed results, to display them again in another language

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
  const step = more.salary - result.salary;
  const marginal = step ? marginalRate(result, more, step) : result.rate;
  place("results").hidden = false;
  const announcement = showSummary(result, more, marginal);
  showBrackets(schedule.scale.brackets, result);
  showYears(same, result.income_year, setYear);
  showCurve(along, { salary: result.salary, due: due(result), average: averageRate(result), marginal }, setSalary);
  showSteps(result.steps, schedule);
  return announcement;
}

function showTrouble(words) {
  place("trouble").textContent = words;
  place("trouble").hidden = !words;
  if (words) place("trouble").scrollIntoView({ block: "nearest" });
}

/** Calculate the household of the form; errors of the service appear at their fields. */
async function calculate(focus = false) {
  clearTimeout(timer);
  controller?.abort();
  controller = new AbortController();
  const { signal } = controller;
  tidyForm();
  const household = readForm();
  writeFragment(household);
  place("results").setAttribute("aria-busy", "true");
  try {
    const result = await assess(household, signal);
    const salaries = chooseSalaries(household.salary);
    const more = { ...household, salary: Math.min(household.salary + NEXT, LARGEST) };
    const many = [more, ...years.map((year) => ({ ...household, year })), ...salaries.map((salary) => ({ ...household, salary }))];
    const [schedule, [next, ...rest]] = await Promise.all([fetchSchedule(household.year, signal), assessAll(many, BATCH_MAX, signal)]);
    clearErrors();
    showTrouble("");
    shown = { result, more: next, same: rest.slice(0, years.length), along: rest.slice(years.length), schedule };
    place("announcement").textContent = show();
  } catch (error) {
    if (error.name === "AbortError") return;
    clearErrors();
    if (error instanceof Invalid) {
      const { strangers, announced, first } = showErrors(error);
      showTrouble(strangers.join(" "));
      place("announcement").textContent = announced.join(" ");
      if (focus) first?.focus();
    } else if (error instanceof Trouble) {
      showTrouble(text(error.key, error.values));
      place("announcement").textContent = "";
    } else {
      throw error;
    }
    shown = null;
    place("results").hidden = true;
  } finally {
    if (!signal.aborted) place("results").setAttribute("aria-busy", "false");
  }
}

async function copyLink() {
  writeFragment(readForm());
  try {
    await navigator.clipboard.writeText(location.href);
    place("shared").textContent = text("share.done");
  } catch {
    place("shared").textContent = text("share.failed");
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  calculate(true).then(() => shown && place("results-heading").scrollIntoView({ block: "nearest" }));
});
// Enter in a changed field is a change and a submission: that is one calculation.
form.addEventListener("change", () => {
  clearTimeout(timer);
  timer = setTimeout(calculate);
});
for (const button of form.querySelectorAll("[data-step]")) {
  button.addEventListener("click", () => {
    stepChildren(Number(button.dataset.step));
    calculate();
  });
}
for (const button of document.querySelectorAll("[data-language]")) {
  button.addEventListener("click", () => {
    chooseLanguage(button.dataset.language);
    place("shared").textContent = "";
    if (shown) {
      tidyForm();
      show();
    } else {
      calculate();
    }
  });
}
place("share").addEventListener("click", copyLink);
addEventListener("hashchange", () => {
  readFragment();
  calculate();
});

place("unloaded").remove();
translatePage();
if (!location.hash) form.elements.salary.value = "36000";
readFragment();
calculate();
