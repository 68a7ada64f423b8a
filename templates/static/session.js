// Warns two minutes before the session ends, with a button that prolongs it. Other
// windows of the browser may have prolonged the session, so the script asks the
// server first.
const region = document.getElementById("idle");
const words = region.dataset;
const ahead = 120; // seconds
let timer;

function say(text) {
  region.textContent = "";
  const line = document.createElement("p");
  line.textContent = text;
  region.append(line);
}

function later(seconds) {
  clearTimeout(timer);
  timer = setTimeout(look, Math.max(1, seconds) * 1000);
}

// ask returns the seconds that are left, and whether a form that is sent now would
// be kept. It throws while the service is unavailable.
async function ask(method) {
  const answer = await fetch("/sessione", { method, headers: { Accept: "application/json" }, cache: "no-store" });
  if (answer.status >= 500) throw new Error("away");
  return answer.ok ? answer.json() : { seconds: 0, keeps: false };
}

async function look() {
  let now;
  try {
    now = await ask("GET");
  } catch {
    return later(10);
  }
  if (now.seconds > ahead + 5) return later(now.seconds - ahead);
  if (now.seconds === 0) return end(now.keeps);
  warn(now.seconds);
  later(now.seconds + 1); // to show that the session has ended
}

// end shows that the session has ended, and that the input would be kept. A code is
// never kept.
function end(keeps) {
  const typed = [...document.querySelectorAll("main .field input:not(.otp)")].some((input) => input.value !== "");
  say(keeps && typed ? words.endedTyped : words.ended);
}

function warn(seconds) {
  if (region.querySelector("button")) return;
  say(words.warning.replace("{n}", seconds));
  const button = document.createElement("button");
  button.type = "button";
  button.className = "second";
  button.textContent = words.stay;
  button.addEventListener("click", stay);
  region.append(button);
}

async function stay() {
  let now;
  try {
    now = await ask("POST");
  } catch {
    return; // the button is still there
  }
  if (now.seconds === 0) say(words.ended);
  else if (now.seconds > ahead) say(words.stayed);
  else say(words.capped.replace("{n}", now.seconds));
  later(now.seconds > ahead ? now.seconds - ahead : now.seconds + 1);
  region.tabIndex = -1; // the button that had the focus is gone
  region.focus();
}

later(words.seconds - ahead);
