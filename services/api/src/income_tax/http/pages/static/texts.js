// The texts of the page in French and English, all from texts.json.

const STORED = "income-tax-language";
const texts = await (await fetch(new URL("texts.json", import.meta.url))).json();

// A browser that forbids storage throws at any use of it.
function ignoreErrors(use) {
  try {
    return use();
  } catch {
    return null;
  }
}

function detectLanguage() {
  const known = [ignoreErrors(() => localStorage.getItem(STORED)), ...navigator.languages.map((tag) => tag.slice(0, 2))];
  return known.find((language) => language in texts) ?? "en";
}

let language = detectLanguage();

export const currentLanguage = () => language;

/** Return the text of a key with its {names} replaced by values. */
export function text(key, values = {}) {
  return texts[language][key].replaceAll(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** Fill every element that the server marked with the key of a text. */
export function translatePage() {
  document.documentElement.lang = language;
  document.title = text("title");
  for (const element of document.querySelectorAll("[data-text]")) {
    element.textContent = text(element.dataset.text, JSON.parse(element.dataset.values ?? "{}"));
  }
  for (const element of document.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", text(element.dataset.label));
  }
  for (const button of document.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", String(button.dataset.language === language));
  }
}

/** Switch to a language, and store the choice if the browser allows it. */
export function chooseLanguage(chosen) {
  language = chosen;
  ignoreErrors(() => localStorage.setItem(STORED, chosen));
  translatePage();
}

const format = (options) => (number) => new Intl.NumberFormat(language === "fr" ? "fr-FR" : "en-IE", options).format(number);

export const euros = format({ style: "currency", currency: "EUR", maximumFractionDigits: 0 });
export const cents = format({ style: "currency", currency: "EUR" });
export const percent = format({ style: "percent", maximumFractionDigits: 1 });
export const plain = format({ maximumFractionDigits: 2 });
