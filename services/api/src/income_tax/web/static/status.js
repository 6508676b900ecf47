// Brings the operator's page up to date every few seconds, as long as somebody looks at it and has not paused it.

const EVERY = 5000; // milliseconds
const pause = document.getElementById("pause");

function say(words) {
  document.getElementById("stale").textContent = words;
}

async function update() {
  if (document.hidden || pause.getAttribute("aria-pressed") === "true") return;
  // Who selects text or walks through the page by keyboard must not lose the place.
  if (!getSelection().isCollapsed || document.activeElement?.closest("main .scroll, main a")) return;
  let answer;
  try {
    answer = await fetch(location.pathname);
  } catch {
    say("The server cannot be reached: these are the last known figures.");
    return;
  }
  if (!answer.ok) {
    say(answer.status === 401 ? "The login is refused: reload the page to log in again."
      : `The server answers with status ${answer.status}: these are the last known figures.`);
    return;
  }
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  document.getElementById("main").replaceChildren(...fresh.getElementById("main").childNodes);
}

pause.addEventListener("click", () => {
  const paused = pause.getAttribute("aria-pressed") !== "true";
  pause.setAttribute("aria-pressed", String(paused));
  pause.textContent = paused ? "Resume updates" : "Pause updates";
  update();
});
setInterval(update, EVERY);
