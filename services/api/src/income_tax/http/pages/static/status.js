// Brings the operator's page up to date every few seconds, as long as somebody looks at it and has not paused it.

const EVERY = 5000, PATIENCE = 10000; // milliseconds
const pause = document.getElementById("pause"), main = document.getElementById("main");
let asking = false; // one request at a time: else a late answer would replace a newer one
let refused = false; // a browser asks for the login at each refusal: once is enough

const paused = () => pause.getAttribute("aria-pressed") === "true";

function say(words) {
  const place = document.getElementById("stale");
  if (place.textContent !== words) place.textContent = words; // the same words are not read out again
}

/** The page as it is now, or in words why there is none. */
async function ask() {
  let answer, body;
  try {
    answer = await fetch(location.pathname, { signal: AbortSignal.timeout(PATIENCE) });
    body = await answer.text();
  } catch (error) {
    return { trouble: error.name === "TimeoutError" ? "The server does not answer" : "The server cannot be reached" };
  }
  refused = answer.status === 401;
  if (refused) return { trouble: "The login is refused, reload the page to log in again" };
  if (!answer.ok) return { trouble: `The server answers with status ${answer.status}` };
  const fresh = new DOMParser().parseFromString(body, "text/html").getElementById("main");
  return fresh ? { fresh } : { trouble: "Another page is answered" };
}

/** Put the fresh content in place; whoever walks through the page by keyboard keeps the place, and how far it was scrolled. */
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
    say(`${trouble}: these are the last known figures.`);
  } else if (getSelection().isCollapsed) {
    replace(fresh);
  } else {
    // Whoever selects text must not lose it, but may learn that something is wrong.
    say(`${fresh.querySelector("h1").textContent}: newer figures wait until no text is selected.`);
  }
}

async function update() {
  if (asking || refused || document.hidden || paused()) return;
  asking = true;
  const found = await ask();
  asking = false;
  if (!paused()) show(found);
}

pause.addEventListener("click", () => {
  pause.setAttribute("aria-pressed", String(!paused()));
  pause.textContent = paused() ? "Resume updates" : "Pause updates";
  if (paused()) say("Paused: these are the figures of that time.");
  else update();
});
document.addEventListener("visibilitychange", update);
setInterval(update, EVERY);
