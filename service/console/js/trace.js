/** One trace: its spans as a tree of bars, each with its attributes. */

import { get } from "./api.js";
import { el, facts, outside, place } from "./dom.js";
import { seconds } from "./format.js";

export const TRACE_ID = /^[0-9a-f]{32}$/i;

/** What the service, or Tempo behind it, keeps of a trace. Throws a `Problem`. */
export const traceOf = (id) => get(`monitoring/traces/${encodeURIComponent(id)}`, {}, { quiet: true });

/** A problem of that call in words. A service that has no such route answers like one that has no such trace. */
export function withoutTrace(problem) {
  return problem.kind === "not_found" && problem.message.startsWith("there is nothing at this path") ? "Traces are not available from this service." : problem.message;
}

/** A link to where the whole trace is shown, if such a place is configured. */
export const traceLink = (address) => (address ? outside(address, "Open the trace in Grafana") : null);

/** The spans, parents before their children, in order of their start. */
export function spanTree({ spans, duration_s: duration, dropped }) {
  const list = el("ol", { class: "spans", "aria-label": "Spans" });
  for (const { span, depth } of inOrder(spans)) list.append(item(span, depth, duration));
  return [list, dropped ? el("p", { class: "note" }, `${dropped} spans were not kept.`) : null];
}

function item(span, depth, duration) {
  const failed = /error/i.test(span.status ?? "");
  const summary = el("summary", { class: "opens" },
    el("span", { class: "name" }, span.name), " ", el("span", { class: "time" }, seconds(span.duration_s)),
    el("span", { class: "track", "aria-hidden": "true" },
      place(el("span", { class: "span-bar" }), duration > 0 ? span.start_s / duration : 0, duration > 0 ? span.duration_s / duration : 0)));
  summary.querySelector(".name").style.setProperty("--depth", Math.min(depth, 12));
  const attributes = Object.entries(span.attributes ?? {}).sort(([one], [other]) => (one < other ? -1 : 1));
  const told = [["kind", span.kind], ["status", span.status], ["begins after", seconds(span.start_s)], ["span", span.span_id], ...attributes.map(([name, value]) => [name, text(value)])];
  return el("li", { class: failed ? "failed" : null }, el("details", {}, summary, facts(told)));
}

const text = (value) => (typeof value === "object" ? JSON.stringify(value) : String(value));

/** A span whose parent is not there begins a tree of its own; a circle of parents is broken. */
function inOrder(spans) {
  const ids = new Set(spans.map((span) => span.span_id));
  const children = Map.groupBy(spans, (span) => (ids.has(span.parent_id) && span.parent_id !== span.span_id ? span.parent_id : ""));
  const ordered = [];
  const done = new Set();
  const walk = (id, depth) => {
    for (const span of (children.get(id) ?? []).toSorted((one, other) => one.start_s - other.start_s)) {
      if (done.has(span)) continue;
      done.add(span);
      ordered.push({ span, depth });
      walk(span.span_id, depth + 1);
    }
  };
  walk("", 0);
  for (const span of spans) if (!done.has(span)) ordered.push({ span, depth: 0 });
  return ordered;
}
