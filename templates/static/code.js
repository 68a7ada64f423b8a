// Makes the page of the code count down, and keeps it true in place. Everything
// works without it: the server knows the time, and says so when a form comes in.
const clock = document.getElementById("clock");
const said = document.getElementById("said");
const wait = document.getElementById("wait");
const resend = document.getElementById("resend");
const words = clock.dataset;

let expires, resendAt; // by this computer's clock, which only measures the difference
const enough = Date.now() + 15 * 60 * 1000; // a page left open does not ask for ever
let before = 0; // the seconds left when last looked at
let spoken = ""; // what was last put in the live region
let late = false; // the end of the code's time was told

const inSeconds = (n) => Date.now() + n * 1000;
const secondsTo = (time) => Math.max(0, Math.ceil((time - Date.now()) / 1000));

// Screen readers hear 30, 10 and 0 seconds, and nothing in between.
function say(text) {
  if (text !== spoken) said.textContent = spoken = text;
}

function strong(text) {
  const element = document.createElement("strong");
  element.textContent = text;
  return element;
}

function countDown() {
  const left = document.getElementById("left");
  const n = secondsTo(expires);
  if (n === 0) {
    if (late) return;
    late = true;
    left.textContent = words.expired;
    say(words.expired);
    refresh();
    return;
  }
  const [start, end] = words.left.split("{s}");
  left.replaceChildren(...(n === 1 ? [words.leftOne] : [start, strong(n), end]));
  for (const mark of [30, 10]) {
    if (n <= mark && before > mark) say(words.said.replace("{s}", n));
  }
  before = n;
}

function waitText(n) {
  if (n > 60) return words.waitMinutes.replace("{s}", Math.ceil(n / 60));
  return n === 1 ? words.waitOne : n ? words.wait.replace("{s}", n) : "";
}

function tick() {
  if (words.status === "paused") return;
  if (words.status === "sent") countDown();
  const n = secondsTo(resendAt);
  if (resend.disabled && n === 0) say(words.again);
  resend.disabled = n > 0;
  wait.textContent = waitText(n);
}

function start() {
  expires = inSeconds(Number(words.secondsLeft));
  resendAt = inSeconds(Number(words.resendIn));
  before = 0;
  late = false;
}

// adopt takes over what the server says now. The form stays as it is, with what
// is typed, the focus, and a fault not yet read.
function adopt(page) {
  const now = page.getElementById("clock");
  if (!now || (now.dataset.status === "paused") !== (words.status === "paused")) {
    location.replace("/");
    return;
  }
  const changed = now.dataset.status !== words.status;
  Object.assign(words, now.dataset);
  clock.replaceChildren(...now.childNodes);
  for (const id of ["confirm", "resend"]) {
    const button = page.getElementById(id);
    if (button) document.getElementById(id).className = button.className;
  }
  const fresh = page.querySelector("main input[name=version]").value;
  for (const version of document.querySelectorAll("input[name=version]")) version.value = fresh;
  if (page.querySelector("details[open]")) document.querySelector("details").open = true;
  start();
  tick();
  if (changed && words.status !== "expired") say(clock.querySelector(".lead").textContent);
}

async function refresh() {
  try {
    const answer = await fetch("/", { headers: { Accept: "text/html" }, cache: "no-store" });
    if (answer.ok) adopt(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch {
    // no network for a moment: the next look tells
  }
}

async function poll() {
  let again = { sending: 1500, sent: 5000, paused: 30000 }[words.status] ?? 15000;
  if (Date.now() > enough) return;
  if (!document.hidden) {
    try {
      const answer = await fetch("/codice/stato", { headers: { Accept: "application/json" }, cache: "no-store" });
      if (answer.status === 503) throw new Error("away"); // for a moment too
      if (!answer.ok || answer.redirected) return; // the session is over, or the procedure is elsewhere
      const now = await answer.json();
      if (now.seconds_left > 0) expires = inSeconds(now.seconds_left);
      resendAt = inSeconds(now.resend_in || 0);
      if (now.status === "elsewhere") location.replace("/");
      else if (now.status !== words.status) await refresh();
    } catch {
      again = 5000; // no network for a moment
    }
  }
  setTimeout(poll, again);
}

document.documentElement.classList.add("scripted");
start();
tick();
setInterval(tick, 250);
setTimeout(poll, 1500);
