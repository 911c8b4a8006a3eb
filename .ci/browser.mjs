// A browser against the example: the sites and the listeners of
// config.example.yaml on free ports, in headless Chromium, judged by what is
// on the page and by what the browser's network log says went over the wire.
//
//     node .ci/browser.mjs MONOPOLL TOOLS
//
// MONOPOLL is the program; TOOLS is the folder with node_modules/playwright-core.
// CHROMIUM may name the browser. It ends within two minutes with a line
// "N passed, N failed", and leaves no process and no file behind.
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs/promises";
import { createRequire } from "node:module";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { film, frame } from "./film.mjs";

const allowed = 90_000; // ms for all checks: most of it is for a busy machine
const patience = 20_000; // ms for one thing to happen
const [monopoll, tools] = process.argv.slice(2).map((name) => path.resolve(name));
const source = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), "..");

// ---- the server -------------------------------------------------------------

// freePorts gives n ports that nobody listens on.
async function freePorts(n) {
  const servers = Array.from({ length: n }, () => net.createServer().listen(0));
  await Promise.all(servers.map((s) => once(s, "listening")));
  const ports = servers.map((s) => s.address().port);
  await Promise.all(servers.map((s) => new Promise((done) => s.close(done))));
  return ports;
}

// serve starts the example from a copy in dir, with other ports: in the config,
// and in the page and its script that ask all listeners whether they answer.
async function serve(dir, closing) {
  const ports = await freePorts(4);
  const renumber = async (name) => {
    const text = await fs.readFile(path.join(source, name), "utf8");
    await fs.writeFile(path.join(dir, name), ports.reduce((t, port, i) => t.replaceAll(`808${i}`, port), text));
  };
  await fs.cp(path.join(source, "sites"), path.join(dir, "sites"), { recursive: true });
  await renumber("config.example.yaml");
  await renumber("sites/home/index.html");
  await renumber("sites/home/home.js");

  const child = spawn(monopoll, ["run", "-c", "config.example.yaml"], { cwd: dir, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  child.stdout.on("data", (text) => { said += text; });
  child.stderr.on("data", (text) => { said += text; });
  const ended = new Promise((done) => {
    child.on("exit", (code, signal) => done(code ?? signal));
    child.on("error", done); // it could not be started
  });
  let end;
  ended.then((how) => { end = how; });
  // It is asked to drain; one that does not is killed, which is a failure.
  closing.push(["the server ends well", async () => {
    child.kill("SIGTERM");
    const late = setTimeout(() => child.kill("SIGKILL"), 10_000);
    const how = await ended;
    clearTimeout(late);
    if (how !== 0) throw new Error(`it ended with ${how}:\n${said}`);
  }]);
  await until("the server", () => {
    if (end !== undefined) throw new Error(`the server ended with ${end}:\n${said}`);
    return said.includes("ready after");
  });
  return {
    home: `http://localhost:${ports[0]}`,
    site: (name) => `http://${name}.localhost:${ports[1]}`,
    fixed: `http://localhost:${ports[2]}`,
  };
}

async function until(what, ready) {
  for (const end = Date.now() + patience; !await ready(); await pause(20)) {
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
  }
}

// replace saves a file as most editors do: a new one, renamed over it.
async function replace(name, content) {
  await fs.writeFile(`${name}~`, content);
  await fs.rename(`${name}~`, name);
}

// ---- the browser ------------------------------------------------------------

// visit opens a page with an empty cache and a network log: one entry for each
// answer that came over the wire, with its true status. What the cache gave
// without asking is in no entry.
async function visit(browser) {
  const context = await browser.newContext();
  const page = await context.newPage();
  page.setDefaultTimeout(patience);
  const errors = [];
  page.on("console", (m) => { if (m.type() === "error") errors.push(`${m.text()} (${m.location().url})`); });
  page.on("pageerror", (error) => errors.push(String(error)));

  const exchanges = new Map();
  const about = (e) => exchanges.get(e.requestId) ?? exchanges.set(e.requestId, {}).get(e.requestId);
  const lower = (fields) => Object.fromEntries(Object.entries(fields).map(([k, v]) => [k.toLowerCase(), v]));
  const devtools = await context.newCDPSession(page);
  devtools.on("Network.requestWillBeSent", (e) => { about(e).url = e.request.url; });
  devtools.on("Network.requestWillBeSentExtraInfo", (e) => { about(e).asked = lower(e.headers); });
  devtools.on("Network.responseReceivedExtraInfo", (e) => Object.assign(about(e), { status: e.statusCode, fields: lower(e.headers) }));
  await devtools.send("Network.enable");
  const wire = (url) => [...exchanges.values()].filter((x) => x.status && x.asked && (!url || x.url === url));
  return { context, page, errors, wire };
}

let passed = 0;
let failed = 0;

async function check(what, test) {
  const began = Date.now();
  try {
    await test();
    passed++;
    console.log(`ok    ${what} (${Date.now() - began} ms)`);
  } catch (error) {
    failed++;
    console.log(`FAIL  ${what}\n      ${String(error?.stack ?? error).replaceAll("\n", "\n      ")}`);
  }
}

function equal(what, got, want) {
  if (got !== want) throw new Error(`${what} is ${JSON.stringify(got)}, want ${JSON.stringify(want)}`);
}

function none(what, list) {
  if (list.length) throw new Error(`${what}: ${list.join("; ")}`);
}

// ---- the checks -------------------------------------------------------------

// A page with everything that a page may name.
const probe = `<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>probe</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="/base.css"><link rel="stylesheet" href="/probe.css">
<p id="text" style="font-family: Board">MONOPOLL</p><img id="image" src="/favicon.svg" alt="" width="64" height="64">
<script src="/probe.js"></script><script type="module" src="/probe.mjs"></script>`;

const types = {
  "/probe": "text/html; charset=utf-8",
  "/base.css": "text/css; charset=utf-8",
  "/probe.css": "text/css; charset=utf-8",
  "/probe.js": "text/javascript; charset=utf-8",
  "/probe.mjs": "text/javascript; charset=utf-8",
  "/favicon.svg": "image/svg+xml; charset=utf-8",
  "/board.woff2": "font/woff2",
};

async function everythingLoads({ page, errors, wire }, s, home) {
  await fs.writeFile(path.join(home, "probe.css"), "#text { color: rgb(1, 2, 3) }\n");
  await fs.writeFile(path.join(home, "probe.js"), "document.title = 'ran'\n");
  await fs.writeFile(path.join(home, "probe.mjs"), "document.body.dataset.module = 'ran'\n");
  await replace(path.join(home, "probe.html"), probe);
  await until("the new page", async () => (await fetch(`${s.home}/probe`)).status === 200 && (await fetch(`${s.home}/probe.mjs`)).status === 200);

  await page.goto(`${s.home}/probe`);
  await page.waitForFunction(() => document.body.dataset.module === "ran");
  equal("the title that the script sets", await page.title(), "ran");
  equal("the colour of the style sheet", await page.$eval("#text", (e) => getComputedStyle(e).color), "rgb(1, 2, 3)");
  equal("the drawing", await page.$eval("#image", (e) => e.complete && e.naturalWidth > 0), true);
  equal("the font", await page.evaluate(async () => {
    await document.fonts.ready;
    return [...document.fonts].map((f) => f.status).join();
  }), "loaded");
  for (const [name, type] of Object.entries(types)) {
    const [answer] = wire(s.home + name);
    equal(`status of ${name}`, answer?.status, 200);
    equal(`type of ${name}`, answer.fields["content-type"], type);
    equal(`X-Content-Type-Options of ${name}`, answer.fields["x-content-type-options"], "nosniff");
  }
  none("errors on the console", errors);
}

// The first page, on which scripts ask the other listeners.
async function theBoard({ page, errors }, s) {
  await page.goto(`${s.home}/`);
  await page.waitForFunction(() => document.querySelectorAll(".state.on").length === 3);
  await page.waitForFunction(() => document.getElementById("head").textContent.includes("etag: "));
  none("errors on the console", errors);
}

async function compressed({ page, wire }, s) {
  await until("a compressed page", async () => {
    await page.goto(`${s.site("docs")}/config`);
    return wire(`${s.site("docs")}/config`).some((x) => x.status === 200 && /^(br|zstd|gzip)$/.test(x.fields["content-encoding"]));
  });
  equal("the last words of a compressed page", (await page.content()).trimEnd().endsWith("</html>"), true);
}

async function hosts({ page, wire }, s) {
  for (const [name, text] of [["home", "One file, one loop, nothing to restart"], ["blog", "Notes on a small server"], ["docs", "The monopoll manual"]]) {
    const response = await page.goto(`${s.site(name)}/`);
    equal(`status of ${name}`, response.status(), 200);
    equal(`heading of ${name}`, await page.innerText("h1"), text);
    equal("X-Frame-Options", wire(`${s.site(name)}/`)[0].fields["x-frame-options"], "DENY");
  }
}

// Every page of every site by day, and by night the first of each: the style
// sheets are the same for all.
async function dayAndNight({ page, errors, wire }, s, home) {
  const paper = new Set();
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    for (const name of ["home", "blog", "docs"]) {
      const pages = (await fs.readdir(path.join(home, "..", name))).filter((f) => f.endsWith(".html") && !["404.html", "index.html", "probe.html"].includes(f));
      for (const file of colorScheme === "light" ? ["", ...pages] : [""]) {
        await page.goto(`${s.site(name)}/${file.replace(/\.html$/, "")}`);
        paper.add(`${colorScheme} ${await page.$eval("body", (e) => getComputedStyle(e).backgroundColor)}`);
      }
    }
  }
  equal("backgrounds", paper.size, 2);
  none("other answers than 200 and 304", wire().filter((x) => x.status !== 200 && x.status !== 304).map((x) => `${x.status} ${x.url}`));
  none("errors on the console", errors);
}

// A page seen before is asked about and not sent again; going back does not
// even ask.
async function again({ page, errors, wire }, s) {
  const index = `${s.site("blog")}/`;
  const article = `${s.site("blog")}/the-printed-table`;
  const title = () => page.innerText("h1");
  await page.goto(index);
  const first = await title();
  await page.click('main a[href="/the-printed-table"]');
  await page.waitForURL(article);
  const second = await title();
  if (first === second) throw new Error("both pages have the same heading");

  await page.goBack();
  equal("the page behind", await title(), first);
  await page.goForward();
  equal("the page ahead", await title(), second);
  none("pages sent twice", [index, article].filter((url) => wire(url).filter((x) => x.status === 200).length !== 1));

  const revalidated = (url) => wire(url).filter((x) => x.status === 304 && x.asked["if-none-match"] === x.fields.etag).length;
  const before = revalidated(article);
  await page.reload();
  equal("304s of a reloaded page", revalidated(article) - before, 1);
  equal("the reloaded page", await title(), second);
  const now = revalidated(index);
  await page.click("a.brand");
  await page.waitForURL(index);
  equal("304s of a page come to by a link", revalidated(index) - now, 1);
  equal("the page come to", await title(), first);
  none("errors on the console", errors);
}

// Seeking asks for the range where the index of the film says the second is;
// each second has a grey of its own, so the picture tells whether it was right.
async function seeking({ page, errors, wire }, s, home) {
  const [seconds, padding] = [60, 256 << 10];
  const grey = (second) => 4 * second;
  await page.goto(`${s.home}/`);
  const frames = await page.evaluate(([count, step]) => Array.from({ length: count }, (_, second) => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 64, height: 64 });
    const pen = canvas.getContext("2d", { alpha: false });
    pen.fillStyle = `rgb(${second * step} ${second * step} ${second * step})`;
    pen.fillRect(0, 0, 64, 64);
    return canvas.toDataURL("image/webp", 0.9).split(",")[1];
  }), [seconds, grey(1)]);
  const content = film(frames.map((f) => frame(Buffer.from(f, "base64"))), 64, 64, padding);
  await replace(path.join(home, "film.webm"), content);
  await replace(path.join(home, "film.html"), `<!DOCTYPE html><title>film</title><link rel="icon" href="data:,"><video id="film" src="/film.webm" preload="metadata" muted></video>`);
  await until("the film", async () => (await fetch(`${s.home}/film.webm`, { method: "HEAD" })).status === 200 && (await fetch(`${s.home}/film`)).status === 200);

  await page.goto(`${s.home}/film`);
  await page.waitForFunction(() => document.getElementById("film").readyState >= HTMLMediaElement.HAVE_METADATA);
  equal("duration", await page.$eval("#film", (v) => v.duration), seconds);
  for (const second of [50, 3, 35]) {
    const got = await page.$eval("#film", async (video, to) => {
      await new Promise((done, fail) => {
        video.onseeked = done;
        video.onerror = () => fail(new Error(video.error.message));
        video.currentTime = to + 0.5;
      });
      const pen = new OffscreenCanvas(64, 64).getContext("2d");
      pen.drawImage(video, 0, 0);
      return pen.getImageData(32, 32, 1, 1).data[0];
    }, second);
    if (Math.abs(got - grey(second)) > 6) throw new Error(`second ${second} is of grey ${got}, want ${grey(second)}`);
  }
  const parts = wire(`${s.home}/film.webm`);
  none("answers without a range", parts.filter((x) => x.status !== 206).map((x) => x.status));
  for (const { asked, fields } of parts) {
    const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(asked.range);
    const last = to || content.length - 1;
    equal(`Content-Range for ${asked.range}`, fields["content-range"], `bytes ${from}-${last}/${content.length}`);
    equal(`Content-Length for ${asked.range}`, fields["content-length"], String(last - from + 1));
  }
  const far = (from) => parts.some((x) => Number(/\d+/.exec(x.asked.range)[0]) > from);
  equal(`a range from beyond second 40 among ${parts.map((x) => x.asked.range)}`, far(40 * padding), true);
  none("errors on the console", errors);
}

// What is saved is live: the next load has it, and so has a listener whose
// fixed words are edited in the config.
async function edited({ page, errors }, s, home) {
  const url = `${s.home}/`;
  const file = path.join(home, "index.html");
  await page.goto(url);
  const text = await fs.readFile(file, "utf8");
  await replace(file, text.replace("<h1>One file", "<h1>Une page"));
  await until("the edited page", async () => {
    await page.reload();
    return (await page.innerText("h1")).startsWith("Une page");
  });
  await fs.writeFile(file, text); // and in place, as some editors do
  await until("the page as it was", async () => {
    await page.reload();
    return (await page.innerText("h1")).startsWith("One file");
  });
  none("errors on the console", errors);

  const config = path.join(home, "../../config.example.yaml");
  await page.goto(s.fixed);
  equal("the fixed words", (await page.innerText("body")).trimEnd(), "Hello, world!");
  await replace(config, (await fs.readFile(config, "utf8")).replace('respond: "Hello, world!\\n"', "respond: Good evening"));
  await until("the new words", async () => {
    await page.reload();
    return (await page.innerText("body")) === "Good evening";
  });
}

// A page that is not there is the site's own, and links from it work.
async function notThere({ page }, s) {
  const response = await page.goto(`${s.site("docs")}/no/such/page`);
  equal("status", response.status(), 404);
  equal("Cache-Control", response.headers()["cache-control"], "no-store");
  equal("its style sheet", await page.$eval("header.top", (e) => getComputedStyle(e).display), "flex");
  await page.click("a.brand");
  await page.waitForURL(`${s.site("docs")}/`);
}

// ---- all of it --------------------------------------------------------------

async function main(dir, closing) {
  const server = await serve(dir, closing);
  process.env.TMPDIR = dir; // the browser's profile goes with it
  const { chromium } = createRequire(path.join(tools, "node_modules/"))("playwright-core");
  const launched = chromium.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    env: { ...process.env, HOME: dir },
    timeout: 60_000,
    handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false, // it is closed below, whatever happens
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync", "--no-proxy-server"],
  });
  closing.push(["the browser ends", async () => (await launched).close()]);
  const browser = await launched;
  const home = path.join(dir, "sites/home");
  for (const [what, test] of [
    ["the first page finds all its listeners", theBoard],
    ["a page with style sheets, scripts, a drawing and a font", everythingLoads],
    ["a compressed page", compressed],
    ["sites by name, as subdomains of localhost", hosts],
    ["every page, by day and by night", dayAndNight],
    ["back, forward, reload and a link to a page seen before", again],
    ["seeking in a film", seeking],
    ["an edited page and an edited config", edited],
    ["a page that is not there", notThere],
  ]) {
    if (over) return;
    await check(what, async () => {
      const visitor = await visit(browser);
      try {
        await test(visitor, server, home);
      } finally {
        await visitor.context.close();
      }
    });
  }
}

let over = false; // by a signal, or because time is up
const closing = [];
const dir = await fs.mkdtemp(path.join(os.tmpdir(), "monopoll-browser-"));
const stopped = new Promise((_, fail) => {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => fail(new Error(`ended by ${signal}`)));
  setTimeout(() => fail(new Error(`not done after ${allowed / 1000} s`)), allowed).unref();
});
try {
  await Promise.race([main(dir, closing), stopped]);
} catch (error) {
  over = true;
  await check("to the end", () => { throw error; });
}
// A browser that does not close is killed as this process exits.
for (const [what, close] of closing.reverse()) {
  await check(what, () => Promise.race([close(), pause(15_000, "", { ref: false }).then(() => { throw new Error("in vain"); })]));
}
await fs.rm(dir, { recursive: true, force: true, maxRetries: 5 });
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
