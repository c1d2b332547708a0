// What every page does: keys, ages that keep up with the clock, the message for a failed request.

const LINKS = "[data-row] > a, .timeline a";
const MINUTE = 60_000, HOUR = 60 * MINUTE, DAY = 24 * HOUR;
let afterG = 0;

function move(step) {
  const links = [...document.querySelectorAll(LINKS)];
  const here = links.indexOf(document.activeElement);
  const next = here < 0 ? (step > 0 ? 0 : links.length - 1) : here + step;
  links[next]?.focus({ preventScroll: true });
  links[next]?.closest("li").scrollIntoView({ block: "nearest" });
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") return document.activeElement?.blur();
  if (event.target.closest?.("input, select, textarea")) return;
  const g = Date.now() - afterG < 1500;
  afterG = 0;
  if (event.key === "j") move(1);
  else if (event.key === "k") move(-1);
  else if (event.key === "g") afterG = Date.now();
  else if (event.key === "q" && g) location.assign("/");
  else if (event.key === "/") {
    const field = document.querySelector("input[type=search]");
    if (!field) return;
    event.preventDefault();
    field.focus();
    field.select();
  }
});

function age(passed) {
  const say = document.body.dataset;
  if (passed < 0 || passed >= 100 * DAY) return "";
  if (passed >= DAY) return say.ageDays.replace("#", Math.floor(passed / DAY));
  if (passed >= HOUR) return say.ageHours.replace("#", Math.floor(passed / HOUR));
  if (passed >= MINUTE) return say.ageMinutes.replace("#", Math.floor(passed / MINUTE));
  return say.ageNow;
}

setInterval(() => {
  for (const element of document.querySelectorAll(".age")) {
    const text = age(Date.now() - Number(element.dataset.ms));
    if (element.textContent !== text) element.textContent = text;
  }
}, 15_000);

let hiding;
function complain() {
  const toast = document.getElementById("toast");
  toast.textContent = document.body.dataset.problem;
  toast.hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => { toast.hidden = true; }, 6000);
}
document.addEventListener("htmx:response:error", complain);
document.addEventListener("htmx:error", complain);

// While Chinese is being composed the field holds half-typed syllables: nothing searches for those.
document.addEventListener("input", (event) => { if (event.isComposing) event.stopImmediatePropagation(); }, true);
document.addEventListener("compositionend", (event) => {
  event.target.dispatchEvent(new Event("input", { bubbles: true }));
});

// A click on what stands above a row's link is a click on the link, unless text is being selected.
document.addEventListener("click", (event) => {
  const row = event.target.closest?.("[data-row]");
  if (!row || event.target.closest("a") || String(getSelection())) return;
  row.querySelector("a").dispatchEvent(new MouseEvent("click", event));
});

document.addEventListener("click", (event) => {
  const demo = event.target.closest?.(".demo-user");
  if (!demo) return;
  const form = document.getElementById("sign-in");
  form.elements.name.value = demo.dataset.name;
  form.elements.password.value = demo.dataset.password;
  form.querySelector(".primary").focus();
});
