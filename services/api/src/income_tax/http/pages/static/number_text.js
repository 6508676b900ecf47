// Reads a number that a person typed or pasted. The functions never return a number that the text does not contain.

// Blanks are the space separators of Unicode, such as U+0020, U+00A0 and U+202F. Tabs and line ends separate two numbers.
const PLAIN = /^\d+$/;
const BLANKS = /^[1-9]\d{0,2}(?:\p{Zs}\d{3})+$/u;
const COMMAS = /^[1-9]\d{0,2}(?:,\d{3})+$/; // in English only, because a comma is the decimal separator in French
const EURO = /^€\p{Zs}*|\p{Zs}*€$/u; // without the flag `g`, `replace` removes one sign, so a second sign is an error

/**
 * Return the digits of a whole number, or null if the text is not a whole number in this language. Digits can be in
 * groups of three. `euros` allows a euro sign before or after the number.
 */
export function readNumber(typed, language, euros) {
  const value = euros ? typed.trim().replace(EURO, "") : typed.trim();
  const valid = PLAIN.test(value) || BLANKS.test(value) || (language === "en" && COMMAS.test(value));
  return valid ? value.replaceAll(/\D/g, "") : null;
}

/** Return the text without line ends, which input elements would delete. A tab replaces each line end between numbers. */
export const replaceLineEnds = (pasted) => pasted.trim().replaceAll(/\s*[\r\n]\s*/g, "\t");
