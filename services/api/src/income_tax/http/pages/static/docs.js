// Shows this server's OpenAPI document in Swagger UI. The page sends requests only to this server.

const page = document.getElementById("swagger-ui");
const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();

/** Add labels to controls that Swagger UI leaves unlabelled, and make scrolling boxes focusable. */
function repairAccessibility() {
  for (const control of page.querySelectorAll("[data-param-name] :is(select, input, textarea):not([aria-label])")) {
    control.setAttribute("aria-label", control.closest("[data-param-name]").dataset.paramName);
  }
  for (const select of page.querySelectorAll("select:not([aria-label])")) select.setAttribute("aria-label", "Examples");
  for (const box of page.querySelectorAll("textarea:not([aria-label])")) box.setAttribute("aria-label", "Request body");
  for (const code of page.querySelectorAll("pre:not([tabindex])")) code.tabIndex = 0;
  for (const tab of page.querySelectorAll(".curl-command .btn")) {
    tab.role = "button";
    tab.tabIndex = 0;
    tab.ariaPressed = tab.classList.contains("active");
  }
  // Disables the link inside each button that expands an operation, so that the button contains no second control.
  for (const link of page.querySelectorAll("button a[href]")) link.removeAttribute("href");
}

new MutationObserver(repairAccessibility).observe(page, { childList: true, subtree: true });
page.addEventListener("keydown", (event) => {
  if (!["Enter", " "].includes(event.key) || !event.target.matches(".curl-command .btn")) return;
  event.preventDefault();
  event.target.click();
});

/** Remove the login of the page's address from the URL, and add a login to the displayed commands if they have none. */
function adaptRequest(request) {
  const url = new URL(request.url, location.origin);
  url.username = url.password = "";
  const options = request.headers?.Authorization ? [] : ["-u", "LOGIN:PASSWORD"];
  return Object.assign(request, { url: url.href, curlOptions: options });
}

window.ui = window.SwaggerUIBundle({
  url: new URL("/openapi.json", location.origin).href,
  domNode: page,
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  tryItOutEnabled: true,
  requestSnippetsEnabled: true, // commands for bash, PowerShell and cmd.exe
  requestInterceptor: adaptRequest,
  validatorUrl: null, // disables the public validator, to which Swagger UI sends the document by default
});
