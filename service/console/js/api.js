/** Calls of the service. The API key lives in this module's memory only, and is gone with the tab.
 *
 * Every failure is a `Problem` with a sentence for people, whoever it came from: the service, a proxy, or the network.
 */

const GONE = "The service does not answer. It may be restarting, or the network is away; this page goes on trying.";
const PATIENCE_MS = 30_000;
let key = "";
let onUnauthorized = () => {};

/** What went wrong. `status` 0 = nothing answered; `kind` is the service's own word for it. */
export class Problem extends Error {
  constructor(detail, { status = 0, kind = "unreachable", traceId = "", retryAfterS = 0 } = {}) {
    super(detail);
    Object.assign(this, { status, kind, traceId, retryAfterS });
  }
}

export const holdKey = (value) => { key = value; };
export const hasKey = () => key !== "";
export const whenUnauthorized = (listener) => { onUnauthorized = listener; };
export const authorization = () => (key ? { authorization: `Bearer ${key}` } : {});

/** One request; a refusal or a lost connection is thrown as a `Problem`, an abort as it is. */
export async function call(path, { method = "GET", json, signal, headers = {}, quiet = false } = {}) {
  const sent = { accept: "application/json", ...authorization(), ...headers };
  if (json !== undefined) sent["content-type"] = "application/json";
  const body = json === undefined ? undefined : JSON.stringify(json);
  let reply;
  try {
    // Without `cache: "no-store"`: the browser would send `cache-control: no-cache`, and answers would be made afresh.
    reply = await fetch(path, { method, headers: sent, body, signal, credentials: "omit" });
  } catch (error) {
    throw error.name === "AbortError" ? error : outOfReach(error);
  }
  if (!reply.ok) throw refused(await problemOf(reply), quiet);
  return reply;
}

/** A JSON answer. `params` without a value are left out; an array gives the parameter several times. */
export async function get(path, params = {}, options = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    for (const one of [value].flat()) if (one !== "" && one !== null && one !== undefined) query.append(name, one);
  }
  const reply = await call(query.size ? `${path}?${query}` : path, { signal: AbortSignal.timeout(PATIENCE_MS), ...options });
  return whole(() => reply.json());
}

/** The body, or a `Problem` when it breaks off. */
export async function whole(read) {
  try {
    return await read();
  } catch (error) {
    throw error.name === "AbortError" ? error : outOfReach(error);
  }
}

/** Tells of a missing or wrong key, unless asked to be quiet. */
export function refused(problem, quiet = false) {
  if (problem.status === 401 && !quiet) onUnauthorized(problem);
  return problem;
}

/** The problem document of a refusal, or what a proxy says in its place. */
export async function problemOf(reply) {
  const told = { status: reply.status, kind: "", traceId: reply.headers.get("x-trace-id") ?? "", retryAfterS: Number(reply.headers.get("retry-after")) || 0 };
  const document = await reply.json().catch(() => null);
  return documentProblem(document, told);
}

export function documentProblem(document, told = {}) {
  return new Problem(document?.detail || `The service answered with status ${told.status}.`, { ...told, status: document?.status ?? told.status, kind: document?.kind ?? told.kind, traceId: document?.trace_id || told.traceId });
}

function outOfReach(error) {
  return error.name === "TimeoutError" ? new Problem(`No answer within ${PATIENCE_MS / 1000} s: the service is overloaded or hangs.`) : new Problem(GONE);
}
