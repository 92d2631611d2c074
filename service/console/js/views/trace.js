/** One trace by its id: reached by links, and by people who have an id from a log or an answer. */

import { el, facts, fill } from "../dom.js";
import { seconds } from "../format.js";
import { about, verdict } from "../record.js";
import { spanTree, traceLink, traceOf, withoutTrace } from "../trace.js";
import { ofRecord, usualFor, waterfall } from "../waterfall.js";

const SOURCES = { memory: "this service's memory", tempo: "Tempo" };

export function create() {
  const heading = el("h1", {}, "Trace");
  const body = el("div", { role: "status" });
  const element = el("section", { "aria-label": "Trace" }, el("p", {}, el("a", { href: "#/queries" }, "All queries")), heading, body);
  let latest = 0;

  async function load(id) {
    const number = ++latest;
    fill(heading, "Trace ", el("code", {}, id || "?"));
    fill(body, "Reading…");
    try {
      const trace = await traceOf(id);
      const usual = trace.record ? await usualFor({ model: trace.record.model, cached: trace.record.cache === "hit" }) : null;
      if (number === latest) fill(body, shown(trace, usual));
    } catch (problem) {
      if (number === latest) fill(body, el("p", { class: "note" }, withoutTrace(problem)));
    }
  }

  return { element, title: "Trace", enter: ({ argument }) => load(argument) };
}

function shown(trace, usual) {
  const { record } = trace;
  const question = record
    ? [verdict(record), about(record), el("h2", {}, "Where the time went"), waterfall(ofRecord(record), usual)]
    : [el("p", { class: "quiet" }, "There is no record of a question for this trace."), facts([["", traceLink(trace.trace_url), true]])];
  return [question, el("h2", {}, "Spans"), facts([["Took", seconds(trace.duration_s)], ["From", SOURCES[trace.source] ?? trace.source]]), spanTree(trace)];
}
