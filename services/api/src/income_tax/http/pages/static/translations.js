// Translates the page into French or English. The file translations.json contains the texts.

const STORED = "income-tax-language";
const { pathname } = new URL("translations.json", import.meta.url);
const texts = await (await fetch(new URL(pathname, location.origin))).json(); // fetch() rejects a URL with a login

// Calls `use`, which accesses the storage. Returns null if `use` throws an error because the browser forbids storage.
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

/** Return the text of a key. Each {name} in the text is replaced with its value. */
export function text(key, values = {}) {
  return texts[language][key].replaceAll(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** Translate each element that the server marked with the key of a text. */
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

/** Translate the page into the chosen language, and store the choice if the browser allows storage. */
export function chooseLanguage(chosen) {
  language = chosen;
  ignoreErrors(() => localStorage.setItem(STORED, chosen));
  translatePage();
}
