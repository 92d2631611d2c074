/** One question, answered while it is made: `POST /ask` as server-sent events. */

import { call, documentProblem, Problem, refused } from "./api.js";

// The service sends a sign of life every 15 s.
const SILENCE_MS = 50_000;
const BROKEN = "The connection to the service broke off before the answer was complete. What had arrived is shown; ask again for the rest.";
const SILENT = "The service has said nothing for a while and may be gone. What had arrived is shown; ask again.";

/** Resolves with the whole answer object. Throws a `Problem`, or an AbortError when `signal` says so.
 * `hear` has `meta`, `token`, `citations`, called as they come. */
export async function ask(question, hear, signal) {
  const silence = new AbortController();
  const headers = { accept: "text/event-stream" };
  const reply = await call("ask", { method: "POST", json: { ...question, stream: true }, headers, signal: AbortSignal.any([signal, silence.signal]) });
  try {
    for await (const { name, data } of events(reply.body, silence)) {
      if (name === "done") return data;
      if (name === "error") throw refused(documentProblem(data));
      hear[name]?.(data);
    }
  } catch (error) {
    if (error instanceof Problem || signal.aborted) throw error;
    throw new Problem(silence.signal.aborted ? SILENT : BROKEN, { kind: "broken" });
  }
  throw new Problem(BROKEN, { kind: "broken" });
}

/** The frames of a stream. Aborts `silence` when nothing comes for too long. */
async function* events(body, silence) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const timer = setTimeout(() => silence.abort(), SILENCE_MS);
    const { value, done } = await reader.read().finally(() => clearTimeout(timer));
    if (done) return;
    const frames = (rest + value).split("\n\n");
    rest = frames.pop();
    for (const frame of frames) {
      const event = parsed(frame);
      if (event) yield event;
    }
  }
}

/** Null for a comment. */
function parsed(frame) {
  let name = "message";
  const data = [];
  for (const line of frame.split("\n")) {
    if (line.startsWith("event:")) name = line.slice(6).trim();
    else if (line.startsWith("data:")) data.push(line.slice(5));
  }
  return data.length ? { name, data: JSON.parse(data.join("\n")) } : null;
}
