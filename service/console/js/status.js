/** The strip under the header: every way in which the service is less than whole, in plain words, with the way out. */

import { el, fill, prose } from "./dom.js";
import { ALERTS, AWAY, DEGRADED } from "./words.js";

const EVERY_MS = 5000;
const HIDDEN_MS = 30_000;
// These belong to one answer, and are told beside it.
const OF_THE_ANSWER = new Set(["stepped_down", "prompt_truncated", "output_truncated"]);
// Over once `/readyz` says, some seconds later, that the first is there.
const HEALED_BY = { ollama: ["llm_unreachable"], chroma: ["chroma_unavailable"], cache: ["cache_unavailable"] };
// Over once it was away and comes back; else they stay until an answer no longer says so.
const BACK_WITH = { ollama: ["model_unavailable", "no_embedder"] };
const HEAL_MS = 2500;

let away = [];
let unreachable = false;
let stopping = false;
let alerts = "";
const seen = new Map();
let drawn = "";
let timer = 0;

/** Looks now, and from then on every few seconds. */
export function watch() {
  document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
  look();
}

/** Takes what the latest answer says was missing. An answer kept from before says nothing of now. */
export function learn(answer) {
  if (answer.cache.result === "hit") return;
  seen.clear();
  for (const one of answer.degraded) if (!OF_THE_ANSWER.has(one)) seen.set(one, performance.now());
  draw();
  look();
}

export async function look() {
  clearTimeout(timer);
  const asked = performance.now();
  try {
    const reply = await fetch("readyz", { cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(10_000) });
    take(await reply.json(), asked);
  } catch {
    unreachable = true;
  }
  draw();
  clearTimeout(timer);
  timer = setTimeout(look, document.hidden ? HIDDEN_MS : EVERY_MS);
}

function take(told, asked) {
  // What a proxy says in the service's place has no dependencies.
  unreachable = !Array.isArray(told.dependencies);
  if (unreachable) return;
  stopping = told.status === "shutting_down";
  alerts = told.alerts;
  const before = new Set(away.map((one) => one.name));
  away = told.dependencies.filter((one) => !one.ok);
  for (const { name, ok } of told.dependencies) {
    if (!ok) continue;
    for (const one of HEALED_BY[name] ?? []) if (seen.get(one) < asked - HEAL_MS) seen.delete(one);
    if (before.has(name)) for (const one of BACK_WITH[name] ?? []) seen.delete(one);
  }
}

function draw() {
  const notes = unreachable
    ? [["The service does not answer.", "It may be restarting; this page looks again every few seconds. `emini-rag doctor` on its machine says more.", true]]
    : [...(stopping ? [["The service is stopping and takes nothing new.", "Ask again in a moment.", true]] : []), ...standing()];
  const now = JSON.stringify(notes);
  // Drawn only when it changed: a screen reader would read it out again each time.
  if (now === drawn) return;
  drawn = now;
  const items = notes.map(([what, wayOut, bad]) => el("li", { class: bad ? "required" : null }, el("strong", {}, prose(what)), " ", prose(wayOut)));
  fill(document.getElementById("strip"), items.length ? el("ul", {}, items) : null);
}

function standing() {
  const names = new Set(away.map((one) => one.name));
  const told = away.map((one) => [...(AWAY[one.name] ?? [`${one.name} is away.`, "`emini-rag doctor` says what to do."]), one.required]);
  for (const one of seen.keys()) {
    const because = [HEALED_BY, BACK_WITH].flatMap(Object.entries).find(([, follow]) => follow.includes(one))?.[0];
    if (!names.has(because)) told.push([...(DEGRADED[one] ?? [`${one}.`, "`emini-rag doctor` says what to do."]), false]);
  }
  if (ALERTS[alerts]) told.push([...ALERTS[alerts], false]);
  return told;
}
