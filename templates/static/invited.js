// Reloads the page when the invitation's mail is sent or has failed. Without this
// script, the page has a link that reloads it.
const typed = document.querySelector('input[type="email"]');
const enough = Date.now() + 2 * 60 * 1000; // a page that is left open stops polling
let wait = 500;

async function look() {
  if (typed.value !== "" || Date.now() > enough) return; // a reload would discard the input
  try {
    const answer = await fetch("/invito/stato", { headers: { Accept: "application/json" } });
    if (answer.ok && (await answer.json()).mail !== "waiting") {
      location.replace("/");
      return;
    }
  } catch {
    // the network failed: try again
  }
  wait = Math.min(wait * 2, 10_000);
  setTimeout(look, wait);
}

setTimeout(look, wait);
