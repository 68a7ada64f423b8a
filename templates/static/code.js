// Shows the countdown on the code page, and updates the page in place. The page
// works without this script: the server checks the time when it receives a form.
const clock = document.getElementById("clock");
const said = document.getElementById("said");
const wait = document.getElementById("wait");
const resend = document.getElementById("resend");
const words = clock.dataset;

let expires, resendAt; // by the local clock, which only measures differences
const enough = Date.now() + 15 * 60 * 1000; // a page that is left open stops polling
let before = 0; // the seconds left at the previous tick
let spoken = ""; // the current text of the live region
let late = false; // the page already says that the code has expired

const inSeconds = (n) => Date.now() + n * 1000;
const secondsTo = (time) => Math.max(0, Math.ceil((time - Date.now()) / 1000));

// say sets the text that screen readers read. They read 30, 10 and 0 seconds, and
// nothing in between.
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

// adopt updates the page from a new version of it. It keeps the form with its
// input, the focus and the error messages.
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
    // the network failed: the next poll tries again
  }
}

async function poll() {
  let again = { sending: 1500, sent: 5000, paused: 30000 }[words.status] ?? 15000;
  if (Date.now() > enough) return;
  if (!document.hidden) {
    try {
      const answer = await fetch("/codice/stato", { headers: { Accept: "application/json" }, cache: "no-store" });
      if (answer.status === 503) throw new Error("away"); // the service is temporarily unavailable
      if (!answer.ok || answer.redirected) return; // the session has ended
      const now = await answer.json();
      if (now.seconds_left > 0) expires = inSeconds(now.seconds_left);
      resendAt = inSeconds(now.resend_in || 0);
      if (now.status === "elsewhere") location.replace("/");
      else if (now.status !== words.status) await refresh();
    } catch {
      again = 5000; // the network failed: try again
    }
  }
  setTimeout(poll, again);
}

document.documentElement.classList.add("scripted");
start();
tick();
setInterval(tick, 250);
setTimeout(poll, 1500);
