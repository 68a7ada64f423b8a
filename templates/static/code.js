// Makes the page of the code count down. Everything works without it: the
// server knows the time, and says so when a form comes in.
const clock = document.getElementById("clock");
const left = document.getElementById("left");
const said = document.getElementById("said");
const wait = document.getElementById("wait");
const resend = document.getElementById("resend");
const field = document.querySelector("input#codice");
const words = clock.dataset;

let status = words.status;
let expires, resendAt; // by this computer's clock, which only measures the difference
const enough = Date.now() + 15 * 60 * 1000; // a page left open does not ask for ever
let before = 0; // the seconds left when last looked at
let spoken = ""; // what was last put in the live region

const inSeconds = (n) => Date.now() + n * 1000;
const secondsTo = (time) => Math.max(0, Math.ceil((time - Date.now()) / 1000));
const fill = (n, one, many) => (n === 1 ? one : many.replace("{s}", n));

// Screen readers hear 30, 10 and 0 seconds, and nothing in between.
function say(text) {
  if (text !== spoken) said.textContent = spoken = text;
}

function tick() {
  if (status === "sent" && left) {
    const n = secondsTo(expires);
    if (n === 0) {
      status = "expired";
      left.textContent = words.expired;
      say(words.expired);
    } else {
      left.textContent = fill(n, words.leftOne, words.left);
      for (const mark of [30, 10]) {
        if (n <= mark && before > mark) say(words.said.replace("{s}", n));
      }
    }
    before = n;
  }
  const n = secondsTo(resendAt);
  if (status !== "paused") {
    resend.disabled = n > 0;
    wait.textContent = n > 0 ? fill(n, words.waitOne, words.wait) : "";
  }
}

// The page is drawn again when things change, unless that would take away a
// code half typed or a fault not yet read, and there is still a use for them:
// then only the words change.
function changed(now) {
  const busy = field?.value || document.getElementById("summary");
  if (!busy || (now.status !== "sent" && now.status !== "expired")) {
    location.replace("/");
    return;
  }
  status = now.status;
  say(words[status]);
  if (left && status === "expired") left.textContent = words.expired;
}

async function poll() {
  let again = status === "sending" ? 1500 : status === "sent" ? 5000 : status === "paused" ? 30000 : 15000;
  if (Date.now() > enough) return;
  if (!document.hidden) {
    try {
      const answer = await fetch("/codice/stato", { headers: { Accept: "application/json" }, cache: "no-store" });
      if (answer.status === 503) throw new Error("away"); // for a moment too
      if (!answer.ok || answer.redirected) return; // the session is over, or the procedure is elsewhere
      const now = await answer.json();
      if (now.seconds_left > 0) expires = inSeconds(now.seconds_left);
      resendAt = inSeconds(now.resend_in || 0);
      if (now.status !== status) changed(now);
    } catch {
      again = 5000; // no network for a moment
    }
  }
  setTimeout(poll, again);
}

document.documentElement.classList.add("scripted");
expires = inSeconds(Number(words.secondsLeft));
resendAt = inSeconds(Number(words.resendIn));
tick();
setInterval(tick, 250);
setTimeout(poll, 1500);
