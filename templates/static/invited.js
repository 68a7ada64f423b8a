// Loads the page again as soon as it is known what became of the invitation's
// mail. Without it the page has a link that does the same.
const typed = document.querySelector('input[type="email"]');
const enough = Date.now() + 2 * 60 * 1000; // a page left open does not ask for ever
let wait = 500;

async function look() {
  if (typed.value !== "" || Date.now() > enough) return; // what is being typed would be lost
  try {
    const answer = await fetch("/invito/stato", { headers: { Accept: "application/json" } });
    if (answer.ok && (await answer.json()).mail !== "waiting") {
      location.replace("/");
      return;
    }
  } catch {
    // the network is away for a moment
  }
  wait = Math.min(wait * 2, 10_000);
  setTimeout(look, wait);
}

setTimeout(look, wait);
