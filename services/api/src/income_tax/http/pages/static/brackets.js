// The brackets of the scale, with the part of the household's taxable income in each.

import { element, place } from "./element.js";
import { euros, percent, plain, text } from "./texts.js";

const inShares = (count) => (count === 1 ? text("share.one") : text("share.many", { count: plain(count) }));

// A product of floats may lie just below half a euro where the decimal product is exactly that.
const decimal = (amount) => Math.round(amount * 1e4) / 1e4;

/** Split an income into brackets. Their limits are for one share; the limits and parts returned are for all shares. */
function fill(brackets, income, shares) {
  return brackets.map(({ above, rate }, index) => {
    const low = above * shares;
    const high = index + 1 < brackets.length ? brackets[index + 1].above * shares : Infinity;
    const part = Math.max(0, Math.min(income, high) - low);
    return { low, high, rate, part, tax: decimal(part * rate) };
  });
}

function row({ low, high, rate, part, tax }, index, widest) {
  const bar = element("span", { class: `level level-${index}` });
  // The last bracket has no upper limit: its bar is full at the width of the widest other bracket.
  bar.style.width = `${Math.min(100, (100 * part) / (high === Infinity ? widest : high - low))}%`;
  const range = high === Infinity ? text("brackets.above", { low: euros(low) })
    : text("brackets.range", { low: euros(low), high: euros(high) });
  return element("li", part ? {} : { class: "empty" },
    element("span", { class: "rate" }, percent(rate)),
    element("span", { class: "range" }, range),
    element("span", { class: "track", "aria-hidden": "true" }, bar),
    element("span", { class: "part" }, part ? text("brackets.row", { part: euros(part) }) : "—"),
    element("span", { class: "owed" }, part ? text("brackets.tax", { tax: euros(tax) }) : ""));
}

/** Draw the brackets of a result for all shares, or for the adults' shares if the cap on the family quotient applies. */
export function showBrackets(brackets, result) {
  const capped = result.surcharge > 0;
  const step = (name) => result.steps.find((one) => one.name === name).result;
  const shares = capped ? step("adults") : result.shares;
  const taxable = euros(result.taxable_income);
  const about = capped ? text("brackets.capped", { shares: inShares(shares) })
    : shares === 1 ? text("brackets.about.one", { taxable })
    : text("brackets.about", { taxable, shares: plain(shares) });
  place("brackets-about").textContent = about;
  const parts = fill(brackets, result.taxable_income, shares);
  const widest = Math.max(...parts.filter(({ high }) => high !== Infinity).map(({ low, high }) => high - low));
  // The law rounds only the sum; the sum of rounded parts may differ from it by a euro.
  const total = step(capped ? "tax_adult_shares" : "tax_all_shares");
  place("brackets").replaceChildren(
    element("ol", { class: "brackets" }, ...parts.map((part, index) => row(part, index, widest))),
    element("p", { class: "hint" }, text("brackets.total", { tax: euros(total) })));
}
