/** One answer on the page: its text while it comes, then its sources, and how it was made. */

import { el, facts, fill, prose } from "./dom.js";
import { count, seconds } from "./format.js";
import { markdown } from "./markdown.js";
import { openPassage } from "./passage.js";
import { traceLink, traceOf } from "./trace.js";
import { ofRecord, ofTimings, usualFor, waterfall } from "./waterfall.js";
import { CACHE, DEGRADED, MODES, of, REASONS } from "./words.js";

const SOON_MS = 16;
// A trace is whole only once its request has ended, a moment after the answer's last event.
const TRACE_TRIES = 4;
const TRACE_PAUSE_MS = 300;

/** `element`, and what is called as the answer comes. */
export function answerOnPage() {
  const text = el("div", { class: "answer", id: "answer" });
  const thinking = el("p", { class: "thinking" });
  const thoughts = el("details", { hidden: true }, el("summary", {}, "What the model thought first"), thinking);
  const rest = el("div", {});
  const element = el("article", { "aria-label": "Answer" }, thoughts, text, rest);
  let said = "";
  let citations = [];
  let waiting = 0;
  let pause = SOON_MS;

  const cite = (number) => {
    const cited = citations[number - 1];
    return cited && el("button", { type: "button", class: "cite", "aria-label": `Source ${number}: ${cited.source}`, onclick: () => open(cited) }, String(number));
  };
  const draw = () => {
    const began = performance.now();
    clearTimeout(waiting);
    waiting = 0;
    fill(text, markdown(said, cite));
    // A long answer is drawn less often, so that the page has time for its visitor.
    pause = Math.max(SOON_MS, 4 * (performance.now() - began));
  };

  return {
    element,
    get said() { return said; },
    token({ text: piece, thinking: thought }) {
      if (thought) {
        thoughts.hidden = false;
        thinking.append(piece);
        return;
      }
      said += piece;
      // As often as the screen can show it, not for every token.
      waiting ||= setTimeout(draw, pause);
    },
    cited(list) {
      citations = list;
    },
    end(answer) {
      said = answer.answer;
      citations = answer.citations;
      draw();
      fill(rest, notes(answer), sources(citations), made(answer));
    },
    /** What came before it broke off stays. */
    broken: draw,
  };
}

const open = ({ document_id: documentId, source, start, end }) => openPassage({ documentId, source, start, end });

function notes(answer) {
  const told = answer.degraded.map((one) => el("p", {}, (DEGRADED[one] ?? [one]).map((words) => [prose(words), " "])));
  if (answer.notice) told.unshift(el("p", {}, answer.notice));
  return told.length ? el("div", { class: "note", id: "answer-notes" }, told) : null;
}

function sources(citations) {
  if (!citations.length) return null;
  const items = citations.map((cited) => el("li", {},
    el("button", { type: "button", class: "link", onclick: () => open(cited) }, cited.source), " ",
    el("span", { class: "quiet" }, `characters ${cited.start}–${cited.end}`),
    el("blockquote", {}, shortened(cited.text))));
  return el("section", { "aria-label": "Sources" }, el("h2", {}, "Sources"), el("ol", { class: "sources" }, items));
}

const shortened = (text) => (text.length > 240 ? `${text.slice(0, 239).trimEnd()}…` : text);

/** Everything that the service tells of how the answer came about. What `/monitoring` adds comes when it comes. */
function made(answer) {
  const { routing, usage } = answer;
  const bars = el("div", {}, waterfall(ofTimings(answer.timings)));
  const start = el("span", {}, "…");
  const link = el("span", {}, el("code", {}, answer.trace_id || "none"));
  const told = facts([
    ["Model", answer.model ?? "none"],
    ["Tier", answer.tier],
    ["How", MODES[answer.mode] ?? answer.mode],
    ["Cache", cacheWords(answer.cache)],
    ["Start", start],
    ["Tokens", usage.output_tokens ? `${count(usage.input_tokens, "token")} read, ${count(usage.output_tokens, "token")} written` : "none: no model wrote this"],
    ["Trace", link, true],
  ]);
  const why = el("div", {},
    el("p", {}, `Why ${routing.chosen ?? "no model"}: ${of(REASONS, routing.reason)}.`),
    el("ul", { class: "reasons quiet" }, routing.explanation.map((line) => el("li", {}, prose(line))), el("li", {}, features(routing.features))));
  complete(answer, { bars, start, link });
  return el("section", { class: "card", "aria-label": "How this answer was made" }, el("h2", {}, "How this answer was made"), told, why, el("h3", {}, "Where the time went"), bars);
}

async function complete(answer, { bars, start, link }) {
  const [trace, usual] = await Promise.all([recorded(answer.trace_id), usualFor({ model: answer.model, cached: answer.cache.result === "hit" })]);
  const record = trace.record;
  fill(start, record ? startWords(record) : trace.why);
  const address = traceLink(trace.trace_url ?? record?.trace_url);
  fill(link, address ? [address, " "] : null, answer.trace_id ? el("a", { href: `#/trace/${answer.trace_id}` }, "Spans of this trace") : null, " ", el("code", {}, answer.trace_id));
  const parts = ofTimings(answer.timings);
  fill(bars, waterfall(record ? { ...parts, phases: ofRecord(record).phases } : parts, usual),
    usual ? null : el("p", { class: "quiet" }, "What is usual for this model is not available yet."));
}

/** The request's trace with its record, as soon as they are there. */
async function recorded(traceId) {
  let why = "not available";
  for (let tries = 0; traceId && tries < TRACE_TRIES; tries += 1) {
    if (tries) await new Promise((resolve) => setTimeout(resolve, TRACE_PAUSE_MS));
    try {
      const trace = await traceOf(traceId);
      if (trace.record) return trace;
    } catch (problem) {
      if (problem.status === 403) why = "not shown: this key has no monitor scope";
      if (problem.status !== 404) break;
    }
  }
  return { record: null, why };
}

function startWords(record) {
  if (record.cold) return `cold: the model was loaded first${record.phases?.load ? ` (${seconds(record.phases.load)})` : ""}`;
  return record.model && record.cache !== "hit" ? "warm: the model was in memory" : "no model was needed";
}

function cacheWords({ result, age_s: age, origin_trace_id: origin }) {
  return [of(CACHE, result), age === null ? "" : `, ${seconds(age)} ago`, origin ? [" (", el("a", { href: `#/trace/${origin}` }, "the trace that made it"), ")"] : ""];
}

function features(found) {
  const there = Object.entries(found).filter(([, value]) => value);
  return `Read from the question: ${there.map(([name, value]) => (value === true ? name.replaceAll("_", " ") : `${name.replaceAll("_", " ")} ${value}`)).join(", ") || "nothing"}`;
}
