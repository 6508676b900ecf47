// Formats numbers in the page's language.

import { currentLanguage } from "./translations.js";

const LOCALES = { fr: "fr-FR", en: "en-IE" };

const format = (options) => (number) => new Intl.NumberFormat(LOCALES[currentLanguage()], options).format(number);

export const euros = format({ style: "currency", currency: "EUR", maximumFractionDigits: 0 });
export const cents = format({ style: "currency", currency: "EUR" });
export const percent = format({ style: "percent", maximumFractionDigits: 1 });
export const plain = format({ maximumFractionDigits: 2 });
