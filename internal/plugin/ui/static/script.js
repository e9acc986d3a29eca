// What works without this script works the same with it: it only copies, takes dropped files, and keeps the page fresh.
"use strict";
const root = document.documentElement;
const say = (text) => { document.getElementById("status").textContent = text; };
let touched = false;

function prepare(within) {
  for (const button of within.querySelectorAll("button.copy")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(button.dataset.copy);
        say(document.body.dataset.copied);
      } catch {
        say(document.body.dataset.uncopied);
      }
    });
  }
  for (const zone of within.querySelectorAll(".drop")) {
    const input = zone.querySelector("input[type=file]");
    for (const kind of ["dragenter", "dragover"]) {
      zone.addEventListener(kind, (event) => { event.preventDefault(); zone.classList.add("over"); });
    }
    zone.addEventListener("dragleave", () => zone.classList.remove("over"));
    zone.addEventListener("drop", (event) => {
      event.preventDefault();
      zone.classList.remove("over");
      if (event.dataTransfer.files.length > 0) {
        input.files = event.dataTransfer.files;
        touched = true;
      }
    });
  }
}

// refresh takes over what has changed, unless somebody is about to fill something in.
async function refresh() {
  const version = await (await fetch("/version")).text();
  const form = document.activeElement?.closest("form, details, pre");
  if (version === root.dataset.version || touched || form || !getSelection().isCollapsed) {
    return;
  }
  const response = await fetch(`${location.pathname}?again`);
  if (!response.ok) {
    return;
  }
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const focused = document.activeElement?.getAttribute("href");
  const open = [...document.querySelectorAll("details")].map((part) => part.open);
  document.querySelector("main").replaceWith(page.querySelector("main"));
  document.querySelector("footer > p").replaceWith(page.querySelector("footer > p"));
  [...document.querySelectorAll("details")].forEach((part, i) => { part.open = open[i] ?? part.open; });
  root.dataset.version = page.documentElement.dataset.version;
  prepare(document.querySelector("main"));
  if (focused) {
    document.querySelector(`main a[href="${CSS.escape(focused)}"]`)?.focus();
  }
}

addEventListener("input", (event) => { touched ||= event.target.closest("form") !== null; });
prepare(document);
document.getElementById("outcome")?.focus();
if (root.dataset.version) {
  const timer = setInterval(() => refresh().catch(() => {
    clearInterval(timer);
    say(document.body.dataset.ended);
  }), 3000);
}
