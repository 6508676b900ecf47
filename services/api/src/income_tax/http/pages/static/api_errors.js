// Parses the English error messages of the service. No other module depends on the wording of these messages. A test
// compares the patterns with the messages.

import { plain } from "./format.js";
import { text } from "./translations.js";

const NAMED = /\[([^\]]+)\]/;
const MISSING = / is missing$/;
const RANGE = /from (\d+) to (\d+)/;
const YEARS = /one of the income years (.+)$/;
const WORD = /oui, non, yes or no$/;
const CHILDLESS = /\[single_parent\] contradicts \[children\]/;
const TWO_ADULTS = /\[single_parent\] contradicts \[married\]/;
const SECOND_SALARY = /\[spouse_salary\] contradicts \[married\]/;

/**
 * Return the field of an error (`at`) and a text in the page's language (`words`). For an unknown error, the
 * text is the English message of the service, and `lang` is its language.
 */
export function readError(error, expected) {
  const name = error.match(NAMED)?.[1];
  const hint = expected.find((one) => one.startsWith(`[${name}]`)) ?? "";
  if (CHILDLESS.test(error)) return { at: "situation", words: text("error.childless") };
  if (TWO_ADULTS.test(error)) return { at: "situation", words: text("error.adults") };
  if (SECOND_SALARY.test(error)) return { at: "situation", words: text("error.spouse") };
  if (WORD.test(hint)) return { at: "situation", words: text("error.situation") };
  const [, years] = hint.match(YEARS) ?? [];
  if (years) return { at: name, words: text("error.year", { years }) };
  const [, low, high] = hint.match(RANGE) ?? [];
  if (low === undefined) return { at: name, words: hint ? `${error}. ${hint}` : error, lang: "en" };
  const values = { low: plain(low), high: plain(high) };
  return { at: name, words: MISSING.test(error) ? text("error.missing", values) : text("error.integer", values) };
}
