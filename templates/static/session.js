// Warns two minutes before the session ends for want of a request, with a button
// that prolongs it. Other windows of the browser may have prolonged it: the server
// is asked before anything is said.
const region = document.getElementById("idle");
const words = region.dataset;
const ahead = 120; // seconds

function say(text) {
  region.textContent = "";
  const line = document.createElement("p");
  line.textContent = text;
  region.append(line);
}

function later(seconds) {
  setTimeout(look, Math.max(1, seconds) * 1000);
}

async function left() {
  const answer = await fetch("/sessione", { headers: { Accept: "application/json" }, cache: "no-store" });
  return answer.ok ? (await answer.json()).seconds : 0;
}

async function look() {
  let n;
  try {
    n = await left();
  } catch {
    return later(10); // no network for a moment
  }
  if (n > ahead + 5) return later(n - ahead);
  if (n === 0) return say(words.ended);
  warn();
  later(n + 1); // to say that it ended, if it did
}

function warn() {
  if (region.querySelector("button")) return;
  say(words.warning);
  const button = document.createElement("button");
  button.type = "button";
  button.className = "second";
  button.textContent = words.stay;
  button.addEventListener("click", async () => {
    try {
      const answer = await fetch("/sessione", { method: "POST" });
      say(answer.ok ? words.stayed : words.ended);
    } catch {
      return; // no network for a moment: the button is still there
    }
    region.tabIndex = -1; // the button that had the focus is gone
    region.focus();
  });
  region.append(button);
}

later(words.seconds - ahead);
