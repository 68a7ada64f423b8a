// Says that the browser is on its way to an identity provider, from the click on
// until the page is left. A page that is shown again by the back button says so
// no more.
const going = document.getElementById("going");

for (const link of document.querySelectorAll("a[data-going]")) {
  link.addEventListener("click", () => (going.textContent = link.dataset.going));
}
addEventListener("pageshow", () => (going.textContent = ""));
