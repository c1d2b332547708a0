// The live board. What is under the cursor, focused or scrolled to does not move: counts and known rows change in
// place, new rows wait behind the bar until the list is left alone or the bar is pressed.

import { watch } from "./live.js";

const PAGE = 50, MOST = 200;
const PAUSE = 150, PAUSE_HIDDEN = 5000, CHECK = 60_000; // milliseconds
const title = document.title;
const rows = () => document.getElementById("rows");
const hovers = matchMedia("(hover: hover)");

let waiting = 0; // rows behind the bar
let timer = 0, running = false, again = false, ended = 0, took = 0;

function busy() {
  const list = rows();
  return scrollY > 8 || (hovers.matches && list.matches(":hover")) || list.contains(document.activeElement);
}

function poke() {
  if (timer || running) { again = true; return; }
  // A slow server gets more time between questions.
  const pause = document.hidden ? PAUSE_HIDDEN : Math.max(PAUSE, took);
  timer = setTimeout(refresh, Math.max(0, ended + pause - Date.now()));
}

async function refresh() {
  timer = 0;
  running = true;
  again = false;
  const began = Date.now();
  try {
    const asked = location.search;
    const address = new URL(location.href);
    address.searchParams.set("limit", Math.min(Math.max(rows().children.length, PAGE), MOST));
    const response = await fetch(address, { headers: { "HX-Request": "true", "HX-Current-URL": location.href } });
    if (response.status === 401) return location.assign(response.headers.get("HX-Redirect") ?? "/sign-in");
    if (!response.ok) throw new Error(`board: ${response.status}`);
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    if (asked === location.search) merge(page);
    else again = true;
  } catch {
    setState("lost");
    setTimeout(poke, 5000);
  } finally {
    running = false;
    ended = Date.now();
    took = ended - began;
    if (again) poke();
  }
}

function merge(page) {
  mergeCounts(page.getElementById("matrix"));
  const list = rows();
  const known = new Map([...list.children].map((row) => [row.dataset.row, row]));
  const found = [...page.querySelectorAll("#rows > li")];
  for (const row of found) if (known.has(row.dataset.row)) mergeRow(known.get(row.dataset.row), row);
  if (list.dataset.first !== "true") return;
  const arrived = found.filter((row) => !known.has(row.dataset.row));
  announce(busy() ? arrived.length : 0);
  if (busy()) return;
  const whole = list.children.length <= MOST;
  found.forEach((row, place) => {
    const node = known.get(row.dataset.row) ?? row;
    if (node === row && known.size) mark(row, "fresh");
    if (list.children[place] !== node) list.insertBefore(node, list.children[place] ?? null);
  });
  if (!whole) return;
  while (list.children.length > found.length) list.lastElementChild.remove();
  for (const id of ["shown", "more", "empty"]) {
    document.getElementById(id).replaceWith(page.getElementById(id));
    htmx.process(document.getElementById(id));
  }
}

function mergeCounts(fresh) {
  const table = document.getElementById("matrix");
  const counts = [...table.querySelectorAll("[data-count]")];
  const freshCounts = [...fresh.querySelectorAll("[data-count]")];
  const same = counts.length === freshCounts.length && counts.every((c, i) => c.dataset.count === freshCounts[i].dataset.count);
  if (!same) return table.replaceWith(fresh);
  counts.forEach((count, i) => {
    if (count.textContent === freshCounts[i].textContent) return;
    count.textContent = freshCounts[i].textContent;
    count.parentElement.className = freshCounts[i].parentElement.className;
    mark(count, "changed");
  });
}

function mergeRow(row, fresh) {
  const edge = [...fresh.classList].find((name) => name.startsWith("edge-"));
  if (!row.classList.contains(edge)) row.className = fresh.className;
  const parts = [...fresh.children];
  [...row.children].forEach((part, i) => {
    if (part.outerHTML === parts[i].outerHTML) return;
    const changed = part.textContent !== parts[i].textContent && !part.classList.contains("c-age");
    // The element itself stays, so that a focused link keeps the focus.
    for (const { name, value } of parts[i].attributes) part.setAttribute(name, value);
    part.replaceChildren(...parts[i].childNodes);
    if (changed) mark(part, "changed");
  });
}

function mark(element, name) {
  element.classList.add(name);
  element.addEventListener("animationend", () => element.classList.remove(name), { once: true });
}

function announce(count) {
  waiting = count;
  const bar = document.getElementById("arrived");
  bar.hidden = count === 0;
  bar.lastElementChild.textContent = bar.dataset.text.replace("#", count);
  document.title = count ? `(${count}) ${title}` : title;
}

function setState(state) {
  const live = document.getElementById("live");
  live.dataset.state = state;
  live.lastElementChild.textContent = live.dataset[state];
}

// Once the list is left alone, what waits may come in.
const settle = () => { if (waiting && !busy()) poke(); };
document.addEventListener("scroll", settle, { passive: true });
document.addEventListener("focusout", () => setTimeout(settle));
document.addEventListener("mouseout", (event) => { if (event.target.closest?.("#rows")) setTimeout(settle); });
document.addEventListener("click", (event) => {
  if (!event.target.closest?.("#arrived")) return;
  document.activeElement?.blur();
  scrollTo({ top: 0 });
  poke();
});
document.addEventListener("visibilitychange", () => { if (!document.hidden) poke(); });
setInterval(poke, CHECK);

watch({ onChange: poke, onState: setState });
