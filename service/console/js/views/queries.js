/** Recent and slow queries: filtered, each with the stage at fault; one opens to its bars and its trace. */

import { get } from "../api.js";
import { el, field, fill } from "../dom.js";
import { count, moment, percent, seconds } from "../format.js";
import { about, verdict } from "../record.js";
import { whenSignedIn } from "../session.js";
import { spanTree, TRACE_ID, traceOf, withoutTrace } from "../trace.js";
import { ofRecord, usualFor, waterfall } from "../waterfall.js";
import { of, OUTCOMES, STAGES } from "../words.js";

const WINDOWS = { "15m": "15 minutes", "1h": "hour", "6h": "6 hours", "24h": "day", "7d": "7 days" };
const COUNT = 50;
const CACHE_SHORT = { hit: "hit", miss: "miss", expired: "expired", invalidated: "invalidated", bypass: "bypass", coalesced: "shared" };
const ANY = "";

export function create() {
  const choices = {
    list: select("Show", { slow: "slowest first", recent: "newest first" }),
    window: select("Of the last", WINDOWS),
    model: select("Model", { [ANY]: "any" }),
    stage: select("Stage at fault", { [ANY]: "any", ...STAGES }),
    outcome: select("Outcome", { [ANY]: "any", ...OUTCOMES }),
    cache: select("Cache", { [ANY]: "any", ...CACHE_SHORT }),
  };
  const again = el("button", { type: "button", onclick: () => load() }, "Look again");
  const filters = el("form", { class: "row filters", "aria-label": "Filters", onsubmit: (event) => event.preventDefault(), onchange: remember },
    Object.values(choices).map((one) => one.field), again);
  const said = el("p", { class: "quiet", role: "status" });
  const list = el("div", { id: "queries" });
  const element = el("section", { "aria-label": "Queries" }, el("h1", {}, "Queries, and where their time went"), filters, said, list, finder());
  let latest = 0;

  function remember() {
    const params = new URLSearchParams(Object.entries(choices).map(([name, { input }]) => [name, input.value]).filter(([, value]) => value));
    history.replaceState(null, "", `#/queries?${params}`);
    load();
  }

  async function load() {
    const wanted = Object.fromEntries(Object.entries(choices).map(([name, { input }]) => [name, input.value]));
    const slow = wanted.list === "slow";
    choices.window.field.hidden = !slow;
    const number = ++latest;
    list.setAttribute("aria-busy", "true");
    try {
      const { list: _, window: window_, ...others } = wanted;
      const told = await get(slow ? "monitoring/slow" : "monitoring/recent", { ...(slow ? { window: window_ } : {}), count: COUNT, ...others });
      if (number !== latest) return;
      show(slow ? told.slow : told.recent.toReversed(), slow);
      said.textContent = summary(slow ? told.slow : told.recent, told.kept);
    } catch (problem) {
      if (number !== latest) return;
      fill(list);
      said.textContent = problem.message;
    } finally {
      list.removeAttribute("aria-busy");
    }
  }

  function show(records, slow) {
    const head = ["When", "Took", "Model", slow ? "Stage at fault" : "Tier", "Outcome", "Cache"];
    fill(list, records.length ? el("div", { class: "query-head", "aria-hidden": "true" }, head.map((one) => el("span", {}, one))) : null, records.map((record) => item(record)));
  }

  async function listModels() {
    const told = await get("v1/models", {}, { quiet: true }).catch(() => null);
    const { input } = choices.model;
    const chosen = input.value;
    const names = new Set([...(told?.data ?? []).map((one) => one.id).filter((name) => name !== "auto"), ...(chosen ? [chosen] : [])]);
    fill(input, el("option", { value: ANY }, "any"), [...names].map((name) => el("option", { value: name }, name)));
    input.value = chosen;
  }
  whenSignedIn(listModels);
  listModels();

  return {
    element,
    title: "Queries",
    enter({ params }) {
      for (const [name, { input }] of Object.entries(choices)) set(input, params.get(name));
      load();
    },
  };
}

function select(text, options) {
  const input = el("select", { id: `filter-${text.toLowerCase().replaceAll(" ", "-")}` }, Object.entries(options).map(([value, label]) => el("option", { value }, label)));
  if (options === WINDOWS) input.value = "1h";
  return { input, field: field(text, input) };
}

/** A filter that came with the address; one that is not in the list is added, so that the list says what it shows. */
function set(input, value) {
  if (value === null) return;
  if (![...input.options].some((option) => option.value === value)) input.append(el("option", { value }, value));
  input.value = value;
}

function summary(records, kept) {
  const found = records.length === 0 ? "No query matches." : records.length >= COUNT ? `The first ${COUNT} are shown.` : `${count(records.length, "query").replace("querys", "queries")}.`;
  return kept?.records ? `${found} ${count(kept.records, "record")} kept, since ${moment(kept.since_at)}.` : found;
}

function item(record) {
  const fault = record.stage ? `${of(STAGES, record.stage)} ${percent(record.share)}` : record.tier ?? "–";
  const cell = (label, value, kind) => el("span", { class: kind }, el("span", { class: "unseen" }, `${label}: `), value);
  const inside = el("div", { class: "inside" });
  const details = el("details", { class: "query", data: { trace: record.trace_id, stage: record.stage ?? "" } },
    el("summary", { class: "opens" }, cell("when", moment(record.at)), " ", cell("took", seconds(record.duration_s), "time"), " ", cell("model", record.model ?? "none"), " ",
      cell(record.stage ? "stage at fault" : "tier", fault), " ", cell("outcome", of(OUTCOMES, record.outcome)), " ", cell("cache", of(CACHE_SHORT, record.cache))), inside);
  details.addEventListener("toggle", () => { if (details.open && !inside.hasChildNodes()) open(record, inside); });
  return details;
}

async function open(record, inside) {
  const bars = el("div", {}, waterfall(ofRecord(record)));
  const spans = el("div", {}, el("p", { class: "quiet" }, "Reading the trace…"));
  fill(inside, verdict(record), about(record), bars, el("h2", {}, "Trace"), spans);
  usualFor({ model: record.model, cached: record.cache === "hit" }).then((usual) => { if (usual) fill(bars, waterfall(ofRecord(record), usual)); });
  try {
    const trace = await traceOf(record.trace_id);
    fill(spans, spanTree(trace));
  } catch (problem) {
    fill(spans, el("p", { class: "quiet" }, withoutTrace(problem)));
  }
}

function finder() {
  const input = el("input", { id: "trace-id", autocomplete: "off", spellcheck: "false", size: "34" });
  const said = el("p", { role: "alert" });
  return el("form", {
    class: "row find", "aria-label": "Find a trace",
    onsubmit(event) {
      event.preventDefault();
      const id = input.value.trim();
      said.textContent = TRACE_ID.test(id) ? "" : "A trace id is 32 digits of 0-9 and a-f.";
      if (!said.textContent) location.hash = `#/trace/${id.toLowerCase()}`;
    },
  }, field("Trace id", input), el("button", { type: "submit" }, "Show the trace"), said);
}
