// Three small things: links follow the host that you came by, the board says
// which listeners answer, and the head of this page's answer is shown.
"use strict";

const host = location.hostname;

for (const link of document.querySelectorAll("[data-here]")) {
  const url = new URL(link.href);
  url.hostname = host;
  link.href = url.href;
  link.textContent = url.host;
}

// An opaque answer is enough to know that somebody answers; what it says is
// not for this page to read.
async function lamp(row) {
  const cell = row.querySelector(".state");
  if (row.dataset.port === "8083") return;
  try {
    await fetch(`http://${host}:${row.dataset.port}/`, { mode: "no-cors", cache: "no-store" });
    cell.textContent = "answers";
    cell.classList.add("on");
  } catch {
    cell.textContent = "no answer";
    cell.classList.add("out");
  }
}
document.querySelectorAll("[data-port]").forEach(lamp);

const box = document.getElementById("head");
const said = document.getElementById("said");
const names = ["content-type", "content-length", "etag", "last-modified", "cache-control",
  "content-encoding", "vary", "date", "server"];

async function ask() {
  const answer = await fetch(location.pathname, { method: "HEAD", cache: "no-store" });
  box.replaceChildren(bold(`${answer.status}`), "\n");
  for (const name of names) {
    const value = answer.headers.get(name);
    if (value) box.append(bold(name), `: ${value}\n`);
  }
  return answer.headers.get("etag");
}

function bold(text) {
  const b = document.createElement("b");
  b.textContent = text;
  return b;
}

let first = null;
ask().then((tag) => { first = tag; }, () => { box.textContent = "no answer"; });

let timer = 0;
document.getElementById("watch").addEventListener("change", (event) => {
  clearInterval(timer);
  said.textContent = event.target.checked ? "Watching." : "";
  if (event.target.checked) timer = setInterval(compare, 1000);
});

async function compare() {
  if (document.hidden) return;
  try {
    const tag = await ask();
    if (first && tag !== first) location.reload();
  } catch {
    said.textContent = "The server is away. Still asking.";
  }
}
