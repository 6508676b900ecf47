// Draws the brackets of the tax scale, with the household's taxable income in each bracket.

import { createElement, findElement } from "./dom.js";
import { euros, percent, plain } from "./format.js";
import { text } from "./translations.js";

const inShares = (count) => (count === 1 ? text("share.one") : text("share.many", { count: plain(count) }));

// Rounds to four decimals, because a product of floats can be slightly too low. For example, an exact product of 0.5
// would otherwise be rounded down to 0 euros.
const decimal = (amount) => Math.round(amount * 1e4) / 1e4;

/** Split an income among the brackets. `brackets` has limits for one share. The returned limits are for `shares`. */
function fill(brackets, income, shares) {
  return brackets.map(({ above, rate }, index) => {
    const low = above * shares;
    const high = index + 1 < brackets.length ? brackets[index + 1].above * shares : Infinity;
    const part = Math.max(0, Math.min(income, high) - low);
    return { low, high, rate, part, tax: decimal(part * rate) };
  });
}

function row({ low, high, rate, part, tax }, index, widest) {
  const bar = createElement("span", { class: `level level-${index}` });
  // The last bracket has no upper limit. Its bar is full if `part` is at least the width of the widest other bracket.
  bar.style.width = `${Math.min(100, (100 * part) / (high === Infinity ? widest : high - low))}%`;
  const range = high === Infinity ? text("brackets.above", { low: euros(low) })
    : text("brackets.range", { low: euros(low), high: euros(high) });
  return createElement("li", part ? {} : { class: "empty" },
    createElement("span", { class: "rate" }, percent(rate)),
    createElement("span", { class: "range" }, range),
    createElement("span", { class: "track", "aria-hidden": "true" }, bar),
    createElement("span", { class: "part" }, part ? text("brackets.row", { part: euros(part) }) : "—"),
    createElement("span", { class: "owed" }, part ? text("brackets.tax", { tax: euros(tax) }) : ""));
}

/** Draw the brackets of a result. If the cap on the family quotient applies, use only the adults' shares. */
export function showBrackets(brackets, result) {
  const capped = result.surcharge > 0;
  const step = (name) => result.steps.find((one) => one.name === name).result;
  const shares = capped ? step("adults") : result.shares;
  const taxable = euros(result.taxable_income);
  const about = capped ? text("brackets.capped", { shares: inShares(shares) })
    : shares === 1 ? text("brackets.about.one", { taxable })
    : text("brackets.about", { taxable, shares: plain(shares) });
  findElement("brackets-about").textContent = about;
  const parts = fill(brackets, result.taxable_income, shares);
  const widest = Math.max(...parts.filter(({ high }) => high !== Infinity).map(({ low, high }) => high - low));
  // Shows the rounded sum from the API, because the law rounds only the sum. The sum of the rounded parts can differ.
  const total = step(capped ? "tax_adult_shares" : "tax_all_shares");
  findElement("brackets").replaceChildren(
    createElement("ol", { class: "brackets" }, ...parts.map((part, index) => row(part, index, widest))),
    createElement("p", { class: "hint" }, text("brackets.total", { tax: euros(total) })));
}
