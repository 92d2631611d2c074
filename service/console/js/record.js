/** One finished request in words: the stage at fault, and everything else that is kept of it. */

import { el, facts, prose } from "./dom.js";
import { moment, percent, seconds } from "./format.js";
import { traceLink } from "./trace.js";
import { CACHE, DEGRADED, of, OUTCOMES, REASONS, STAGES } from "./words.js";

/** The stage at fault, stated as such. */
export function verdict(record) {
  if (!record.stage) return null;
  const usual = record.usual_s === null || record.usual_s === undefined ? "what is usual for it is not known yet" : `usual for it: ${seconds(record.usual_s)}`;
  const whole = record.usual_total_s ? `; the whole usually takes ${seconds(record.usual_total_s)}` : "";
  return el("p", {}, "Stage at fault: ", el("strong", {}, of(STAGES, record.stage)), `, ${seconds(record.stage_s)}, ${percent(record.share)} of the whole; ${usual}${whole}.`);
}

export function about(record) {
  const link = traceLink(record.trace_url);
  return facts([
    ["Question", record.question, true],
    ["When", moment(record.at)],
    ["Model", record.model],
    ["Outcome", of(OUTCOMES, record.outcome)],
    ["Chosen because", record.reason ? of(REASONS, record.reason) : null, true],
    ["Tier", record.tier],
    ["Start", record.cold ? "cold: the model was loaded first" : "warm"],
    ["Cache", record.cache ? of(CACHE, record.cache) : null],
    ["Tokens", record.output_tokens ? `${record.input_tokens} read, ${record.output_tokens} written` : null],
    ["Failed with", record.error],
    ["Made with less", record.degraded.length ? record.degraded.map((one) => [prose(DEGRADED[one]?.[0] ?? one), " "]) : null, true],
    ["Trace", [link, link ? " " : null, el("a", { href: `#/trace/${record.trace_id}` }, record.trace_id)], true],
  ]);
}
