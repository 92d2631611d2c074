/** Asking: a question, the answer while it is made, and a way to stop it. */

import { get } from "../api.js";
import { answerOnPage } from "../answer.js";
import { ask } from "../ask-stream.js";
import { announce, el, field, fill } from "../dom.js";
import { count, seconds } from "../format.js";
import { whenSignedIn } from "../session.js";
import { learn, look } from "../status.js";
import { of, REASONS } from "../words.js";

const MAX_CHARACTERS = 8000;

export function create() {
  const question = el("textarea", { id: "question", rows: "4", maxlength: MAX_CHARACTERS, required: true, "aria-describedby": "ask-hint", onkeydown: keys });
  const model = el("select", { id: "model" }, el("option", { value: "auto" }, "chosen by the question"));
  const afresh = el("input", { type: "checkbox", id: "afresh" });
  const go = el("button", { type: "submit", class: "main" }, "Ask");
  const cancel = el("button", { type: "button", hidden: true, onclick: () => running?.abort() }, "Cancel");
  const form = el("form", { class: "ask", onsubmit: (event) => { event.preventDefault(); run(); } },
    field("Your question", question),
    el("div", { class: "row" },
      field("Model", model),
      el("label", { class: "check" }, afresh, "Answer afresh"),
      go, cancel,
      el("p", { id: "ask-hint", class: "quiet" }, "Ctrl+Enter asks, Escape cancels.")));
  const progress = el("p", { class: "progress", id: "progress", role: "status" });
  const result = el("div", { id: "result" });
  const element = el("section", { "aria-label": "Ask" }, el("h1", {}, "Ask your documents"), form, progress, result);
  let running = null;

  function keys(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      run();
    }
  }
  element.addEventListener("keydown", (event) => { if (event.key === "Escape") running?.abort(); });

  async function run() {
    const query = question.value.trim();
    if (!query || running) {
      question.focus();
      return;
    }
    running = new AbortController();
    busy(true);
    const shown = answerOnPage();
    const clock = stopwatch(progress);
    fill(result, shown.element);
    try {
      const sent = { query, model: model.value, ...(afresh.checked ? { cache: { "no-cache": true } } : {}) };
      const answer = await ask(sent, {
        meta: ({ routing }) => clock.says(routing.chosen ? `${routing.chosen} was chosen: ${of(REASONS, routing.reason)}.` : "No model can answer; quotations are being chosen."),
        token: (token) => shown.token(token),
        citations: ({ citations }) => shown.cited(citations),
      }, running.signal);
      shown.end(answer);
      learn(answer);
      clock.stop(`Answered in ${seconds(answer.timings.total_s)}.`);
      announce(`The answer is there: ${count(answer.answer.split(/\s+/).length, "word")}, ${count(answer.citations.length, "source")}.`);
    } catch (error) {
      shown.broken();
      clock.stop("");
      ended(shown, error);
    } finally {
      running = null;
      busy(false);
    }
  }

  function busy(now) {
    cancel.hidden = !now;
    go.disabled = now;
    result.setAttribute("aria-busy", String(now));
    // The one button goes as the other comes: the keyboard stays with it.
    if (now && document.activeElement === go) cancel.focus();
    if (!now && (document.activeElement === cancel || document.activeElement === document.body)) go.focus();
  }

  function ended(shown, error) {
    if (error.name === "AbortError") {
      progress.textContent = shown.said ? "Cancelled. What had arrived is shown; the model has stopped." : "Cancelled. The model has stopped.";
      return;
    }
    const again = el("button", { type: "button", onclick: run }, "Ask again");
    const wait = error.retryAfterS ? ` Try again in ${count(error.retryAfterS, "second")}.` : "";
    const trace = error.traceId ? el("p", {}, "Trace: ", el("a", { href: `#/trace/${error.traceId}` }, error.traceId)) : null;
    result.append(el("div", { class: "note bad", role: "alert" }, el("p", {}, error.message + wait), trace, again));
    if (!error.status) look();
  }

  async function listModels() {
    const told = await get("v1/models", {}, { quiet: true }).catch(() => null);
    if (!told) return;
    const names = told.data.map((one) => one.id).filter((name) => name !== "auto");
    const chosen = model.value;
    fill(model, el("option", { value: "auto" }, "chosen by the question"), names.map((name) => el("option", { value: name }, name)));
    model.value = names.includes(chosen) ? chosen : "auto";
  }
  whenSignedIn(listModels);
  listModels();

  return { element, title: "Ask" };
}

/** Shows what is going on, and for how long already. Only the words are read out, not every tick. */
function stopwatch(parent) {
  const words = el("span", {}, "Sent.");
  const ticking = el("span", { class: "number spinner", "aria-hidden": "true" });
  const began = performance.now();
  const tick = () => { ticking.textContent = ` ${((performance.now() - began) / 1000).toFixed(1)} s`; };
  fill(parent, words, ticking);
  tick();
  const timer = setInterval(tick, 100);
  return {
    says: (text) => { words.textContent = text; },
    stop(text) {
      clearInterval(timer);
      fill(parent, text);
    },
  };
}
