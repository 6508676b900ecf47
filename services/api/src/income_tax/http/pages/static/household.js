// The form, the household that it declares, and the fragment of the address that holds it: one grammar for all three.

import { place } from "./element.js";
import { readError } from "./sentences.js";
import { currentLanguage, text } from "./texts.js";

const form = place("household");
export const LARGEST = Number(form.dataset.largest); // euros, the highest salary that the service takes
const NAMES = new Map(Object.entries(JSON.parse(form.dataset.names))); // of parameters, French ones too: the English one
const EUROS = ["salary", "spouse_salary"];
const NUMBERS = ["year", "children", ...EUROS];
const SITUATIONS = {
  single: { married: "no", single_parent: "no" },
  couple: { married: "yes", single_parent: "no" },
  single_parent: { married: "no", single_parent: "yes" },
};
const ENGLISH = { oui: "yes", non: "no" };
const NOTHING = /^0*$/;

// What an address says and the form cannot show. The service is asked with it all the same, and says what is wrong: a
// year or a situation that there is not, until one is chosen; names that nobody knows, until the form is touched.
let unshown = SITUATIONS.single;
let unknown = {};
let lent = false; // whether the one child is there only because a single parent has one

const field = (name) => form.elements[name];

// Grouping is for people: spaces, and in English commas before three digits (in French they begin decimals), and a euro
// sign. All else goes to the service as it was typed, which says what is wrong with it.
const GROUPED = /^\d{1,3}(,\d{3})+$/;
function typed(name) {
  let value = field(name).value.replaceAll(/\s/g, "");
  if (EUROS.includes(name)) value = value.replace(/€$/, "");
  return currentLanguage() === "en" && GROUPED.test(value) ? value.replaceAll(",", "") : value;
}
const asNumber = (value) => (/^\d{1,15}$/.test(value) ? Number(value) : value);

/** The household of the form, in the words of the API; what is empty is left out. */
export function readForm() {
  const situation = field("situation").value;
  const household = { ...unknown, ...unshown, ...SITUATIONS[situation] };
  for (const name of NUMBERS) {
    if (typed(name) !== "") household[name] = asNumber(typed(name));
  }
  if (isAlone() || household.spouse_salary === undefined) household.spouse_salary = 0;
  return household;
}

// Whether the situation has no spouse, whose salary is then none of the household's.
const isAlone = () => ["single", "single_parent"].includes(field("situation").value);

/** Group the digits of the amounts, and show the fields that the situation needs. */
export function tidyForm() {
  settleSituation();
  for (const name of EUROS) {
    if (/^\d{1,15}$/.test(typed(name))) {
      field(name).value = typed(name).replaceAll(/\B(?=(\d{3})+$)/g, "\u202F");
    }
  }
  const spouse = field("situation").value === "couple" || !(isAlone() || NOTHING.test(typed("spouse_salary")));
  form.querySelector("[data-for=couple]").hidden = !spouse;
  const year = Number(field("year").value);
  place("year-hint").textContent = year ? text("year.hint", { year, next: year + 1 }) : "";
}

// A word of the address, the English one.
const word = (name) => ENGLISH[unshown[name].toLowerCase()] ?? unshown[name].toLowerCase();

/** Choose the situation that the address says; none when it is none of the form's, or comes with a salary that it lacks. */
function settleSituation() {
  if (field("situation").value) return;
  const said = Object.keys(SITUATIONS).find((situation) =>
    Object.entries(SITUATIONS[situation]).every(([name, value]) => value === word(name)));
  if (said === "couple" || NOTHING.test(typed("spouse_salary"))) field("situation").value = said ?? "";
}

/** The names and values of a fragment, the names in English. */
function readNames(fragment) {
  const given = new Map();
  for (const [name, value] of new URLSearchParams(fragment)) {
    const known = NAMES.get(name) ?? name;
    given.set(known, given.has(known) ? `${given.get(known)};${value}` : value); // no value that the service takes
  }
  return given;
}

/** Put the household of the address's fragment in the form, if it holds one; whatever it says wrong stays wrong. */
export function readFragment() {
  const given = readNames(location.hash.slice(1));
  const known = new Set(NAMES.values());
  if (![...given.keys()].some((name) => known.has(name))) return;
  form.reset();
  for (const name of NUMBERS) {
    if (given.has(name)) field(name).value = given.get(name);
  }
  for (const radio of field("situation")) radio.checked = false;
  unshown = { married: given.get("married") ?? "no", single_parent: given.get("single_parent") ?? "no" };
  if (!field("year").value) unshown.year = asNumber(given.get("year"));
  unknown = Object.fromEntries([...given].filter(([name]) => !known.has(name)));
  tidyForm();
}

/** Keep the household in the fragment, which no browser sends to a server. */
export function writeFragment(household) {
  const fragment = new URLSearchParams(household).toString();
  if (location.hash.slice(1) !== fragment) history.replaceState(null, "", `#${fragment}`);
}

/** One child more or less, within what the service takes. */
export function stepChildren(by) {
  const count = Number(typed("children")) + by;
  field("children").value = Number.isFinite(count) ? Math.min(Math.max(0, count), Number(form.dataset.children)) : 0;
  lent = false;
}

for (const kind of ["change", "click"]) form.addEventListener(kind, () => { unknown = {}; }, true);
form.addEventListener("change", ({ target }) => {
  if (target.name === "situation") {
    const parent = target.value === "single_parent";
    if (parent && NOTHING.test(typed("children"))) {
      field("children").value = 1;
      lent = true;
    } else if (!parent && lent) {
      field("children").value = 0;
      lent = false;
    }
  } else if (target.name === "children") {
    lent = false;
  }
}, true);

export function clearErrors() {
  for (const error of form.querySelectorAll(".error")) error.hidden = true;
  for (const input of form.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
}

/** Say each error of the service at its field; returns the first field, what was said, and what belongs to no field. */
export function showErrors({ errors, expected }) {
  const strangers = [], said = [];
  let first = null;
  for (const error of errors) {
    const { at, words, lang } = readError(error, expected);
    const box = place(`${at}-error`);
    if (!box) strangers.push(error);
    if (!box?.hidden) continue; // no place for it, or the field has its error already
    box.textContent = words;
    if (lang) box.lang = lang;
    else box.removeAttribute("lang");
    box.hidden = false;
    said.push(words);
    const inputs = box.closest(".field").querySelectorAll("input, select");
    for (const input of inputs) input.setAttribute("aria-invalid", "true");
    first ??= inputs[0];
  }
  return { strangers, said, first };
}
