// The page of a run. It is told what there is to see, place by place, and shows it; what it is told becomes text, and never
// markup. Which words are shown is decided by recover: here is only where they stand.
"use strict";

const at = (id) => document.getElementById(id);
const places = new Map();
let chosen = 0;
let tab = sessionStorage.getItem("tab");
let holds = false;
let over = false;
let stream = null;

// The key has done its work, and is nothing to be seen or copied.
if (location.search) history.replaceState(null, "", location.pathname);

const ask = (name, body) =>
  fetch(name, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

// What does not change is left alone, so that nothing is read out twice.
function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function shown(element, is) {
  if (element.hidden === is) element.hidden = !is;
}

function make(name, text, classes) {
  const element = document.createElement(name);
  element.textContent = text;
  if (classes) element.className = classes;
  return element;
}

// A list is made anew only where it is another one.
function list(element, key, items) {
  if (element.dataset.key === key) return;
  element.dataset.key = key;
  element.replaceChildren(...items());
}

function time(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  if (seconds < 100) return `${seconds} s`;
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")} min`;
}

// ---- the connection

async function enter() {
  const answer = await ask("tab", { tab });
  if (!answer.ok) return banner(await answer.text());
  tab = (await answer.json()).tab;
  sessionStorage.setItem("tab", tab);
  listen();
}

function listen() {
  stream = new EventSource(`events?tab=${tab}`);
  stream.addEventListener("tab", (event) => {
    const told = JSON.parse(event.data);
    holds = told.holds;
    banner(holds ? "" : "Another tab answers. This one only shows what happens.", !holds && told.held);
    if (places.has(chosen)) show(places.get(chosen));
  });
  stream.addEventListener("place", (event) => {
    const place = JSON.parse(event.data);
    if (place.wait) place.wait.until = performance.now() + place.wait.remaining_ms;
    places.set(place.number, place);
    tiles();
    if (place.number === chosen) show(place);
  });
  stream.addEventListener("log", (event) => {
    const piece = JSON.parse(event.data);
    lastLines.set(piece.number, piece);
  });
  stream.addEventListener("over", () => {
    over = true;
    stream.close();
    banner("recover has ended. This page keeps what it showed last.");
    show(places.get(chosen));
  });
  stream.addEventListener("replaced", () => {
    stream.close();
    sessionStorage.removeItem("tab");
    tab = null;
    holds = false;
    banner("This page was opened a second time, and goes on there.", true);
    show(places.get(chosen));
  });
  stream.onerror = () => {
    if (over) return;
    banner("The connection to recover is lost: what happens now is not known here. Trying again.");
    // Refused, rather than cut off: this tab is not known any more.
    if (stream.readyState === EventSource.CLOSED) {
      tab = null;
      setTimeout(() => enter().catch(gone), 1000);
    }
  };
}

const gone = () => banner("recover is not there any more. What it came to stands in the terminal, and in the record of the run.");

function banner(text, mayTake = false) {
  say(at("banner-text"), text);
  shown(at("take"), mayTake);
}

at("take").addEventListener("click", async () => {
  if (!tab) await enter();
  const answer = await ask("hold", { tab });
  if (!answer.ok) banner(await answer.text());
});

// ---- what there is to see

function tiles() {
  const nav = at("places");
  shown(nav, places.size > 1);
  if (places.size < 2) return;
  for (const [number, place] of places) {
    let tile = nav.children[number];
    if (!tile) {
      tile = make("button", "");
      tile.type = "button";
      tile.append(make("b", ""), make("span", ""));
      tile.addEventListener("click", () => choose(number));
      nav.append(tile);
    }
    tile.dataset.mood = place.mood;
    tile.setAttribute("aria-current", String(number === chosen));
    say(tile.children[0], place.name || String(number + 1));
    say(tile.children[1], place.title);
  }
}

function choose(number) {
  chosen = number;
  forgetLog();
  tiles();
  show(places.get(number));
}

function show(place) {
  if (!place) return;
  document.body.dataset.mood = place.mood;
  document.title = `${place.title} · ${place.name || place.board || "recover"}`;
  say(at("board"), [place.name, place.board].filter(Boolean).join(" · "));
  shown(at("simulated"), place.simulated);
  const { step } = place;
  say(at("step-label"), step ? `Step ${step.number} of ${step.total}` : "Not begun");
  at("steps").max = step ? step.total : 1;
  at("steps").value = step ? step.ended : 0;
  at("state").setAttribute("aria-live", place.mood === "danger" || place.mood === "bad" ? "assertive" : "polite");
  say(at("title"), place.title);
  say(at("text"), place.text);
  at("text").dataset.length = place.text.length > 320 ? "very-long" : place.text.length > 110 ? "long" : "short";
  if (stopsShown.place !== chosen || stopsShown.stops !== place.stops) {
    stopsShown = { place: chosen, stops: place.stops, since: performance.now() };
  }
  shown(at("stopping"), Boolean(place.stopping));
  say(at("stopping"), place.stopping || "");
  at("stop").disabled = over || !holds || Boolean(place.end) || place.mood === "idle";
  showAsked(place);
  shown(at("work"), !place.asked && !place.end);
  showWork(place.progress);
  showPicture(place.asked && place.asked.picture);
  showWait(place.wait);
  shown(at("done"), !place.wait && !(place.asked && place.asked.picture) && place.ended.length > 0);
  list(at("ended"), JSON.stringify(place.ended), () =>
    [...place.ended].reverse().map((step) => {
      const item = make("li", "", step.tone);
      const text = make("div", `${step.name} `);
      text.append(make("span", step.how));
      item.append(text);
      return item;
    }));
  list(at("notices"), JSON.stringify(place.notices), () =>
    place.notices.map((notice) => {
      const item = make("li", notice.text);
      item.dataset.kind = notice.kind;
      return item;
    }));
  showEnd(place.end);
  say(at("log-count"), String(place.log_lines));
  readLog().catch(() => {});
}

let question = null;
// What came of the last wish to end, and since when it can be read.
let stopsShown = { place: null, stops: 0, since: 0 };
let since = 0;

function showAsked({ asked }) {
  const form = at("asked");
  shown(form, Boolean(asked));
  if (!asked) {
    question = null;
    return;
  }
  const { answer } = asked;
  const word = answer.kind === "word";
  shown(at("command"), Boolean(asked.command));
  say(at("command"), asked.command || "");
  shown(at("fuse"), Boolean(asked.fuse));
  say(at("fuse"), asked.fuse || "");
  shown(at("answer-label"), word);
  say(at("answer-label"), answer.label || "");
  shown(at("answer"), word);
  shown(at("send"), answer.kind !== "none");
  say(at("send"), answer.button || "");
  shown(at("decline"), Boolean(answer.decline));
  say(at("decline"), answer.decline || "");
  say(at("note"), asked.note || "");
  say(at("help"), answer.help);
  const may = holds && !over && !asked.taken;
  for (const id of ["answer", "send", "decline"]) at(id).disabled = !may;
  const key = `${chosen} ${asked.number}`;
  if (key !== question) {
    question = key;
    since = performance.now();
    at("answer").value = "";
  }
  // Whoever has just answered something goes on where the next answer is.
  if (may && asked.number && !form.contains(document.activeElement)) (word ? at("answer") : at("send")).focus({ preventScroll: true });
}

// A press that was meant for what stood there before is none.
const TOO_SOON_MS = 400;

async function answer(text) {
  const place = places.get(chosen);
  const { asked } = place;
  if (!asked || !asked.number || asked.taken || performance.now() - since < TOO_SOON_MS) return;
  const taken = await ask("answer", { tab, place: chosen, question: asked.number, text });
  if (!taken.ok) say(at("note"), await taken.text());
}

at("asked").addEventListener("submit", (event) => {
  event.preventDefault();
  const { asked } = places.get(chosen);
  const word = asked && asked.answer.kind === "word";
  // An empty field is no answer: there is a button for that.
  if (word && !at("answer").value.trim()) at("answer").focus();
  else answer(word ? at("answer").value : "");
});
at("decline").addEventListener("click", () => answer(""));
at("stop").addEventListener("click", async () => {
  const { stops } = places.get(chosen);
  refused("");
  if (stops !== stopsShown.stops || performance.now() - stopsShown.since < TOO_SOON_MS) return;
  try {
    const taken = await ask("stop", { tab, place: chosen, stops });
    if (!taken.ok) refused(`Stop was not taken: ${await taken.text()}.`);
  } catch {
    refused("Stop did not reach recover. Ctrl-C in its terminal does the same.");
  }
});

// What is refused stays until the next press.
function refused(text) {
  shown(at("refused"), Boolean(text));
  say(at("refused"), text);
}

function showWork(progress) {
  at("work").dataset.shown = String(Boolean(progress));
  if (!progress) return at("progress").removeAttribute("value");
  say(at("work-label"), `${progress.label}, ${Math.floor(progress.percent)} %`);
  const left = progress.remaining_ms ? `about ${time(progress.remaining_ms)} left` : "";
  say(at("work-rest"), [progress.rate, left].filter(Boolean).join(", "));
  at("progress").value = progress.percent;
}

function showWait(wait) {
  shown(at("wait"), Boolean(wait));
  if (!wait) return;
  say(at("waiting-for"), wait.waiting_for);
  const attached = wait.attached.length ? wait.attached : ["no device of this board"];
  list(at("attached"), JSON.stringify(attached), () => attached.map((device) => make("li", device)));
  countDown();
}

function countDown() {
  const place = places.get(chosen);
  if (place && place.wait && !over) say(at("left"), `for at most ${time(place.wait.until - performance.now())} more`);
}
setInterval(countDown, 500);

function showEnd(end) {
  shown(at("end"), Boolean(end));
  if (!end) return;
  const facts = [
    ["At step", end.step], ["Command", end.command, "code"], ["It said", end.said.join("\n"), "said"], ["Earlier", end.before.join("\n")],
    ["The board", end.state], ["Attached", end.attached],
    ["Do next", end.next.map((next, index) => (end.next.length > 1 ? `${index + 1}. ${next}` : next)).join("\n"), "next"],
    ["Steps", end.counted], ["Record", end.record],
  ];
  list(at("end"), JSON.stringify(end), () =>
    facts.filter(([, text]) => text).flatMap(([label, text, classes]) => [make("dt", label), make("dd", text, classes)]));
  const said = document.querySelector("#end .said");
  if (said && said.tabIndex < 0) {
    said.tabIndex = 0;
    // What it said last is nearest to the reason.
    said.scrollTop = said.scrollHeight;
  }
}

// ---- the drawing

function drawn(name, attributes, text) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value);
  if (text) element.textContent = text;
  return element;
}

const SHAPES = {
  board: ({ x, y, width, height }) => drawn("rect", { x, y, width, height, rx: 10, class: "board" }),
  pin: ({ x, y, joined }) => drawn("circle", { cx: x, cy: y, r: 9, class: joined ? "pin joined" : "pin" }),
  wire: ({ path }) => drawn("path", { d: path, class: "wire" }),
  part: ({ x, y, width, height, kind }) => drawn("rect", { x, y, width, height, rx: kind === "led" ? 8 : 4, class: `part ${kind}` }),
  text: ({ x, y, anchor, text, strong }) => drawn("text", { x, y, "text-anchor": anchor, class: strong ? "" : "faint" }, text),
};

function showPicture(picture) {
  shown(at("figure"), Boolean(picture));
  if (!picture) return;
  const svg = at("picture");
  list(svg, JSON.stringify(picture), () => picture.shapes.map((shape) => SHAPES[shape.shape](shape)));
  svg.setAttribute("viewBox", `0 0 ${picture.width} ${picture.height}`);
  svg.setAttribute("aria-label", picture.words);
  say(at("caption"), picture.note || "");
}

// ---- the log

let logFrom = 0;
let reading = false;
// Of a run that is over: recover is not there any more to be asked for them.
const lastLines = new Map();

function forgetLog() {
  logFrom = 0;
  at("log-lines").replaceChildren();
}

async function fetchLog(place) {
  const answer = await fetch(`log?place=${place}&from=${logFrom}`);
  return answer.ok ? answer.json() : null;
}

async function readLog() {
  const place = places.get(chosen);
  if (!at("log").open || reading || logFrom >= place.log_lines) return;
  reading = true;
  try {
    const of = chosen;
    const piece = over ? lastLines.get(of) : await fetchLog(of);
    if (!piece || of !== chosen) return;
    const known = Math.max(0, logFrom - piece.from);
    const pre = at("log-lines");
    const atEnd = pre.scrollTop + pre.clientHeight >= pre.scrollHeight - 8;
    pre.append(piece.lines.slice(known).map((line) => `${line}\n`).join(""));
    logFrom = piece.to;
    if (atEnd) pre.scrollTop = pre.scrollHeight;
  } finally {
    reading = false;
  }
  if (!over && logFrom < places.get(chosen).log_lines) setTimeout(() => readLog().catch(() => {}), 200);
}
at("log").addEventListener("toggle", () => places.has(chosen) && readLog().catch(() => {}));

enter().catch(gone);
