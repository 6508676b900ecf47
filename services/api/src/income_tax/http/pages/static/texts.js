// The texts of the page, in French and English: texts.json is the only place where they stand.

const STORED = "income-tax-language";
const texts = await (await fetch(new URL("texts.json", import.meta.url))).json();

// The storage of a browser that lets pages keep nothing may not even be touched.
function unlessForbidden(use) {
  try {
    return use();
  } catch {
    return null;
  }
}

function firstLanguage() {
  const known = [unlessForbidden(() => localStorage.getItem(STORED)), ...navigator.languages.map((tag) => tag.slice(0, 2))];
  return known.find((language) => language in texts) ?? "en";
}

let language = firstLanguage();

export const currentLanguage = () => language;

/** The text of a key, its {names} replaced by values. */
export function text(key, values = {}) {
  return texts[language][key].replaceAll(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** Fill everything that the server marked with the key of its text. */
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

/** Speak this language from now on, also at the next visit where the browser lets the page keep it. */
export function chooseLanguage(chosen) {
  language = chosen;
  unlessForbidden(() => localStorage.setItem(STORED, chosen));
  translatePage();
}

const format = (options) => (number) => new Intl.NumberFormat(language === "fr" ? "fr-FR" : "en-IE", options).format(number);

export const euros = format({ style: "currency", currency: "EUR", maximumFractionDigits: 0 });
export const cents = format({ style: "currency", currency: "EUR" });
export const percent = format({ style: "percent", maximumFractionDigits: 1 });
export const plain = format({ maximumFractionDigits: 2 });
