// Updates the operator's page every few seconds while it is visible and not paused.

const INTERVAL = 5000, TIMEOUT = 10000; // milliseconds
const pause = document.getElementById("pause"), main = document.getElementById("main");
let fetching = false; // one request at a time: a late answer would replace a newer one
let rejected = false; // the browser shows its login dialog at each rejection: once is enough

const paused = () => pause.getAttribute("aria-pressed") === "true";

function announce(words) {
  const place = document.getElementById("stale");
  if (place.textContent !== words) place.textContent = words; // a screen reader does not repeat the same words
}

/** Return the current page, or the reason why there is none. */
async function fetchPage() {
  let answer, body;
  try {
    answer = await fetch(location.pathname, { signal: AbortSignal.timeout(TIMEOUT) });
    body = await answer.text();
  } catch (error) {
    return { trouble: error.name === "TimeoutError" ? "The server does not answer" : "The server cannot be reached" };
  }
  rejected = answer.status === 401;
  if (rejected) return { trouble: "The server rejected the login, reload the page to log in again" };
  if (!answer.ok) return { trouble: `The server answers with status ${answer.status}` };
  const fresh = new DOMParser().parseFromString(body, "text/html").getElementById("main");
  return fresh ? { fresh } : { trouble: "The server returned another page" };
}

/** Replace the content; keyboard focus and scroll positions stay as they are. */
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
    announce(`${trouble}: these are the last known figures.`);
  } else if (getSelection().isCollapsed) {
    replace(fresh);
  } else {
    // The selection must survive; the heading reports whether all is well.
    announce(`${fresh.querySelector("h1").textContent}: newer figures wait until no text is selected.`);
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
  if (paused()) announce("Paused: these are the figures of that time.");
  else update();
});
document.addEventListener("visibilitychange", update);
setInterval(update, INTERVAL);
