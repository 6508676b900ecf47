// Swagger UI over this server's OpenAPI document; it requests nothing from other hosts.

const page = document.getElementById("swagger-ui");
const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();

/** Label the controls that Swagger UI leaves without a label, and make scrolling boxes focusable, after each rendering. */
function repairAccessibility() {
  for (const control of page.querySelectorAll("[data-param-name] :is(select, input, textarea):not([aria-label])")) {
    control.setAttribute("aria-label", control.closest("[data-param-name]").dataset.paramName);
  }
  for (const select of page.querySelectorAll("select:not([aria-label])")) select.setAttribute("aria-label", "Examples");
  for (const box of page.querySelectorAll("textarea:not([aria-label])")) box.setAttribute("aria-label", "Request body");
  for (const code of page.querySelectorAll("pre:not([tabindex])")) code.tabIndex = 0;
  // The header of an operation is a button with a link in it: only the button opens it.
  for (const link of page.querySelectorAll("button a[href]")) link.removeAttribute("href");
}

new MutationObserver(repairAccessibility).observe(page, { childList: true, subtree: true });

window.ui = window.SwaggerUIBundle({
  url: "/openapi.json",
  domNode: page,
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  tryItOutEnabled: true,
  validatorUrl: null, // else a validator on the web would receive the document
});
