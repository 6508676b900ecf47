// Reads and fills the form, and stores its household in the fragment of the page's URL. A value has the same
// syntax in the form and in the fragment.

import { readError } from "./api_errors.js";
import { findElement } from "./dom.js";
import { euros } from "./format.js";
import { readNumber, replaceLineEnds } from "./number_text.js";
import { currentLanguage, text } from "./translations.js";

const form = findElement("household");
export const LARGEST = Number(form.dataset.largest); // euros, the highest valid salary
// Maps each English or French parameter name to the English name.
const NAMES = new Map(Object.entries(JSON.parse(form.dataset.names)));
const EUROS = ["salary", "spouse_salary"];
const NUMBERS = ["year", "children", ...EUROS];
const SITUATIONS = {
  single: { married: "no", single_parent: "no" },
  couple: { married: "yes", single_parent: "no" },
  single_parent: { married: "no", single_parent: "yes" },
};
const ENGLISH = { oui: "yes", non: "no" };
const NOTHING = /^0*$/;

// Values of the URL that the form cannot display. Requests still contain these values, so that the service reports them
// as errors. `unshown` holds a year or situation that the form does not offer, until the user chooses another year or
// situation. `unknown` holds the parameters that have unknown names, until the user changes the form.
let unshown = SITUATIONS.single;
let unknown = {};
let lent = false; // whether the form, and not the user, set one child because a single parent needs a child

const field = (name) => form.elements[name];

const LONGEST = 50; // characters; a request and the URL contain only the start of a longer invalid text

// Returns the digits of a field, or the text of the field if the text is not a number. The service rejects such a text.
// A shortened text ends with an ellipsis, so that it is never a number.
function typed(name) {
  const value = field(name).value.trim();
  return readNumber(value, currentLanguage(), EUROS.includes(name))
    ?? (value.length > LONGEST ? `${value.slice(0, LONGEST)}…` : value);
}
const PLAIN = /^\d{1,15}$/;
const asNumber = (value) => (PLAIN.test(value) ? Number(value) : value);

/** Return the household of the form as a request body of the API. The body omits empty fields. */
export function readForm() {
  const situation = field("situation").value;
  const household = { ...unknown, ...unshown, ...SITUATIONS[situation] };
  for (const name of NUMBERS) {
    if (typed(name) !== "") household[name] = asNumber(typed(name));
  }
  if (isAlone() || household.spouse_salary === undefined) household.spouse_salary = 0;
  return household;
}

// Returns whether the situation excludes a spouse, and therefore a spouse's salary.
const isAlone = () => ["single", "single_parent"].includes(field("situation").value);

/** Show the fields that the situation requires, and show beside each amount how the page read the amount. */
export function tidyForm() {
  chooseSituation();
  // The page does not rewrite the fields, because the browser's undo command would then do nothing.
  for (const name of EUROS) {
    const amount = asNumber(typed(name));
    findElement(`${name}-read`).textContent = Number.isInteger(amount) ? euros(amount) : "";
  }
  const spouse = field("situation").value === "couple" || !(isAlone() || NOTHING.test(typed("spouse_salary")));
  form.querySelector("[data-for=couple]").hidden = !spouse;
  const year = Number(field("year").value);
  findElement("year-hint").textContent = year ? text("year.hint", { year, next: year + 1 }) : "";
}

/** Remove the commas of the amounts, before the language changes to one that does not allow commas. */
export function removeCommas() {
  for (const name of ["children", ...EUROS]) {
    if (field(name).value.includes(",") && PLAIN.test(typed(name))) field(name).value = typed(name);
  }
}

// Returns the value of a yes-or-no parameter of the URL, in English.
const englishWord = (name) => ENGLISH[unshown[name].toLowerCase()] ?? unshown[name].toLowerCase();

/** Select the URL's situation. If the situation is unknown or contradicts the spouse's salary, select no situation. */
function chooseSituation() {
  if (field("situation").value) return;
  const known = Object.keys(SITUATIONS).find((situation) =>
    Object.entries(SITUATIONS[situation]).every(([name, value]) => value === englishWord(name)));
  if (known === "couple" || NOTHING.test(typed("spouse_salary"))) field("situation").value = known ?? "";
}

/** Return a map from the English name of each parameter in the fragment to its value. */
function readNames(fragment) {
  const given = new Map();
  for (const [name, value] of new URLSearchParams(fragment)) {
    const known = NAMES.get(name) ?? name;
    // Joins the values of a repeated parameter, so that the service rejects the joined value.
    given.set(known, given.has(known) ? `${given.get(known)};${value}` : value);
  }
  return given;
}

/** Fill the form from the URL's fragment, if the fragment contains a household. Invalid values are not corrected. */
export function readFragment() {
  const given = readNames(location.hash.slice(1));
  const known = new Set(NAMES.values());
  if (![...given.keys()].some((name) => known.has(name))) return;
  form.reset();
  for (const name of NUMBERS) {
    if (given.has(name)) field(name).value = replaceLineEnds(given.get(name));
  }
  for (const radio of field("situation")) radio.checked = false;
  unshown = { married: given.get("married") ?? "no", single_parent: given.get("single_parent") ?? "no" };
  if (!field("year").value) unshown.year = asNumber(given.get("year"));
  unknown = Object.fromEntries([...given].filter(([name]) => !known.has(name)));
  tidyForm();
}

/** Store the household in the fragment of the URL. Browsers never send the fragment to a server. */
export function writeFragment(household) {
  const fragment = new URLSearchParams(household).toString();
  if (location.hash.slice(1) !== fragment) history.replaceState(null, "", `#${fragment}`);
}

/** Add `by` to the number of children, and limit the sum to the valid range. */
export function stepChildren(by) {
  const count = asNumber(typed("children") || "0");
  field("children").value = Number.isInteger(count) ? Math.min(Math.max(0, count + by), Number(form.dataset.children)) : 0;
  lent = false;
}

// Inserts pasted and dropped lines without deleting the line ends between numbers. The command supports undo.
form.addEventListener("beforeinput", (event) => {
  if (!/[\r\n]/.test(event.data)) return;
  event.preventDefault();
  document.execCommand("insertText", false, replaceLineEnds(event.data));
});
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

/**
 * Show each error of the service at its field. Return the errors that have no field (`strangers`), the shown texts
 * (`announced`), and the first field that has an error (`first`).
 */
export function showErrors({ errors, expected }) {
  const strangers = [], announced = [];
  let first = null;
  for (const error of errors) {
    const { at, words, lang } = readError(error, expected);
    const box = findElement(`${at}-error`);
    if (!box) strangers.push(error);
    if (!box?.hidden) continue; // the error has no field, or the field already shows another error
    box.textContent = words;
    if (lang) box.lang = lang;
    else box.removeAttribute("lang");
    box.hidden = false;
    announced.push(words);
    const inputs = box.closest(".field").querySelectorAll("input, select");
    for (const input of inputs) input.setAttribute("aria-invalid", "true");
    first ??= inputs[0];
  }
  return { strangers, announced, first };
}
