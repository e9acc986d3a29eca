// The search. Everything else works without this script. The index is loaded when somebody begins to search.
"use strict";
const root = document.body.dataset.root;
const form = document.querySelector(".search");
const field = document.getElementById("search");
const list = document.getElementById("results");
const found = document.getElementById("found");
const most = 12;
let loading;

function load() {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = `${root}static/index.js`;
    script.onload = () => resolve(globalThis.sections.map((s) => ({ ...s, lower: `${s.p} ${s.h} ${s.t}`.toLowerCase() })));
    script.onerror = reject;
    document.head.append(script);
  });
  return loading;
}

// weight ranks a section that has every word: words in its heading first, then those in the title of its page.
function weight(section, words) {
  const heading = section.h.toLowerCase(), page = section.p.toLowerCase();
  let sum = 0;
  for (const word of words) {
    if (!section.lower.includes(word)) {
      return 0;
    }
    sum += (heading.includes(word) ? 20 : 0) + (page.includes(word) ? 5 : 0) + Math.min(section.lower.split(word).length - 1, 5);
  }
  return sum;
}

// excerpt is what stands around the first of the words, or the beginning where all of them are in the heading.
function excerpt(text, words) {
  const lower = text.toLowerCase();
  const first = Math.min(...words.map((word) => lower.indexOf(word)).filter((i) => i >= 0));
  const start = first <= 50 || first === Infinity ? 0 : text.indexOf(" ", first - 50) + 1;
  return (start > 0 ? "… " : "") + text.slice(start, start + 150) + (text.length > start + 150 ? " …" : "");
}

function show(sections, words) {
  list.replaceChildren(...sections.map((section) => {
    const item = document.createElement("li"), link = document.createElement("a");
    const title = document.createElement("b"), text = document.createElement("span");
    link.href = root + section.u;
    title.textContent = section.h === section.p ? section.p : `${section.p}: ${section.h}`;
    text.textContent = excerpt(section.t, words);
    link.append(title, text);
    item.append(link);
    return item;
  }));
  list.hidden = sections.length === 0;
}

async function search() {
  const sections = await load();
  const words = field.value.toLowerCase().split(/\s+/).filter((word) => word.length > 1);
  if (words.length === 0) {
    show([], words);
    found.textContent = "";
    return;
  }
  const hits = sections.map((section) => [weight(section, words), section]).filter(([sum]) => sum > 0);
  hits.sort(([one], [other]) => other - one);
  show(hits.slice(0, most).map(([, section]) => section), words);
  found.textContent = hits.length === 0 ? "Nothing is found" : `${hits.length} found`;
}

function move(step) {
  const stops = [field, ...list.querySelectorAll("a")];
  stops[Math.min(Math.max(stops.indexOf(document.activeElement) + step, 0), stops.length - 1)].focus();
}

form.hidden = false;
field.addEventListener("focus", load);
field.addEventListener("input", search);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  list.querySelector("a")?.click();
});
form.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    show([], []);
    field.focus();
  } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    move(event.key === "ArrowDown" ? 1 : -1);
  }
});
// A result on the page itself leaves the list open otherwise.
list.addEventListener("click", () => show([], []));
document.addEventListener("click", (event) => {
  if (!form.contains(event.target)) {
    show([], []);
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !event.target.closest("input, textarea")) {
    event.preventDefault();
    field.focus();
  }
});
