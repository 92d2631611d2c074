/** Where the seconds of one request went: disjoint stages that sum to the whole, each beside what is usual for it. */

import { get } from "./api.js";
import { el, place } from "./dom.js";
import { percent, seconds } from "./format.js";
import { of, STAGES } from "./words.js";

const UNACCOUNTED = "unaccounted";
const GENERATE = "generate";
// Above the usual by this many spreads, by this factor, and by something that a person could feel.
const SPREADS = 3;
const FACTOR = 1.2;
const FELT_S = 0.005;
const ENOUGH = 5;
const KNOWN_MS = 60_000;
// Under these names the service tells what is usual without a model of its own.
const HITS = "";
const NO_MODEL = "none";
const known = new Map();

/** Parts of an answer's `timings`: seconds by stage, the rest last. */
export function ofTimings(timings) {
  const stages = Object.entries(timings).filter(([name]) => name !== "total_s").map(([name, spent]) => [name.slice(0, -2), spent]);
  return { total: timings.total_s, stages: Object.fromEntries(stages) };
}

/** The same of a record of `/monitoring`. */
export function ofRecord(record) {
  return { total: record.duration_s, stages: { ...record.stages, [UNACCOUNTED]: record.unaccounted_s }, phases: record.phases };
}

/** What is usual for requests like this one: `{total_s, stages}`, each `{median, spread, n}`; null where it is not known
 * or not told. Answers from the cache are measured against each other, whoever once made them. */
export async function usualFor({ model, cached }) {
  const name = cached ? HITS : model ?? NO_MODEL;
  const kept = known.get(name);
  if (kept && performance.now() - kept.at < KNOWN_MS) return kept.usual;
  try {
    const told = await get("monitoring/usual", { model: name }, { quiet: true });
    const found = told.models?.[name] ?? null;
    const usual = found?.total_s?.median === null ? null : found;
    known.set(name, { at: performance.now(), usual });
    return usual;
  } catch {
    return null;
  }
}

/** The bars. `parts` as above; `usual` may be null. */
export function waterfall({ total, stages, phases = {} }, usual = null) {
  const list = el("ol", { class: "waterfall", "aria-label": "Where the time went", data: { total } });
  let begun = 0;
  for (const [stage, spent] of Object.entries(stages)) {
    const inner = stage === GENERATE ? partsOf(spent, phases) : [];
    list.append(row({ stage, spent, begun, total, normal: inner.length ? null : usual?.stages?.[stage] }));
    let within = begun;
    for (const [phase, took] of inner) {
      list.append(row({ stage: phase, spent: took, begun: within, total, normal: usual?.stages?.[phase], inner: true }));
      within += took;
    }
    begun += spent;
  }
  list.append(whole(total, usual?.total_s));
  return list;
}

/** The model server's own parts of the answer's writing, and what is left of it. */
function partsOf(whole, phases) {
  const parts = Object.entries(phases).map(([phase, took]) => [`${GENERATE}.${phase}`, took]);
  const rest = whole - parts.reduce((sum, [, took]) => sum + took, 0);
  return parts.length ? [...parts, [`${GENERATE}.other`, Math.max(0, rest)]] : [];
}

function row({ stage, spent, begun, total, normal, inner = false }) {
  const slow = isSlow(spent, normal);
  const share = total > 0 ? spent / total : 0;
  const kind = [inner && "inner", slow && "slow", stage === UNACCOUNTED && "rest"].filter(Boolean).join(" ");
  return el("li", { class: kind || null, data: { stage, seconds: spent } },
    el("span", { class: "name" }, of(STAGES, stage)), " ",
    el("span", { class: "time" }, seconds(spent)), " ",
    el("span", { class: "share" }, percent(share)), " ",
    el("span", { class: "track", "aria-hidden": "true" }, place(el("span", { class: "bar" }), total > 0 ? begun / total : 0, share)),
    told(normal, slow));
}

function whole(total, normal) {
  const slow = isSlow(total, normal);
  return el("li", { class: slow ? "total slow" : "total" },
    el("span", { class: "name" }, "All together"), " ", el("span", { class: "time" }, seconds(total)), " ",
    el("span", { class: "share" }, "100 %"), told(normal, slow));
}

function told(normal, slow) {
  if (!normal || normal.median === null || normal.median === undefined) return null;
  return [" ", el("span", { class: "usual" }, `${slow ? "slower, " : ""}usual: ${seconds(normal.median)}`)];
}

function isSlow(spent, normal) {
  if (!normal || (normal.n ?? ENOUGH) < ENOUGH || normal.median === null || normal.median === undefined) return false;
  const excess = spent - normal.median;
  return excess > FELT_S && excess > SPREADS * (normal.spread ?? 0) && spent > FACTOR * normal.median;
}
