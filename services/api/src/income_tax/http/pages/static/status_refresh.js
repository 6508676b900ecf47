// Updates the operator's status page every few seconds, if the page is visible and updates are not paused.

const INTERVAL = 5000, TIMEOUT = 10000; // milliseconds
const pause = document.getElementById("pause"), main = document.getElementById("main");
let fetching = false; // prevents a second request in flight, so that a late response cannot replace a newer response
let rejected = false; // stops updates after status 401, because each update would open the browser's login dialog

const paused = () => pause.getAttribute("aria-pressed") === "true";

function announce(words) {
  const status = document.getElementById("stale");
  if (status.textContent !== words) status.textContent = words; // screen readers repeat even an unchanged text
}

/** Fetch the page, and return its new content (`fresh`) or the reason for a failure (`trouble`). */
async function fetchPage() {
  let answer, body;
  try {
    const headers = { Accept: "text/html" }; // without this header, the server would return JSON
    answer = await fetch(new URL(location.pathname, location.origin), { headers, signal: AbortSignal.timeout(TIMEOUT) });
    body = await answer.text();
  } catch (error) {
    return { trouble: error.name === "TimeoutError" ? "The server does not respond" : "The server cannot be reached" };
  }
  rejected = answer.status === 401;
  if (rejected) {
    return { trouble: "The server rejected the login name or the password. Reload the page to log in again" };
  }
  if (!answer.ok) return { trouble: `The server responded with status ${answer.status}` };
  const fresh = new DOMParser().parseFromString(body, "text/html").getElementById("main");
  return fresh ? { fresh } : { trouble: "The server returned another page" };
}

/** Replace the content of the page. Keep the keyboard focus and the scroll positions. */
function replace(fresh) {
  const focused = document.activeElement.id;
  const scrolled = [...main.querySelectorAll(".scroll")].map(({ id, scrollLeft }) => [id, scrollLeft]);
  main.replaceChildren(...fresh.childNodes);
  for (const [id, left] of scrolled) document.getElementById(id)?.scrollTo({ left, behavior: "instant" });
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

function show({ trouble, fresh }) {
  if (trouble) {
    main.querySelector("h1").textContent = "Out of date";
    announce(`${trouble}. The page shows the values of the last update.`);
  } else if (getSelection().isCollapsed) {
    replace(fresh);
  } else {
    // Keeps the content, because a replacement would clear the selection. The message contains the new heading.
    announce(`${fresh.querySelector("h1").textContent}. To see the current values, clear the text selection.`);
  }
}

async function update() {
  if (fetching || rejected || document.hidden || paused()) return;
  fetching = true;
  const found = await fetchPage();
  fetching = false;
  if (!paused()) show(found);
}

pause.addEventListener("click", () => {
  pause.setAttribute("aria-pressed", String(!paused()));
  pause.textContent = paused() ? "Resume updates" : "Pause updates";
  if (paused()) announce("Updates are paused. The page shows the values of the last update.");
  else update();
});
document.addEventListener("visibilitychange", update);
setInterval(update, INTERVAL);
