// Shows a message from the click on a login link until the page is left. If the
// back button shows the page again, the message is removed.
const going = document.getElementById("going");

for (const link of document.querySelectorAll("a[data-going]")) {
  link.addEventListener("click", () => (going.textContent = link.dataset.going));
}
addEventListener("pageshow", () => (going.textContent = ""));
