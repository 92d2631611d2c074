/** What happens now: small charts of the last quarter of an hour, from the service's own records. */

import { get } from "../api.js";
import { lineChart } from "../chart.js";
import { el, fill } from "../dom.js";
import { percent, seconds } from "../format.js";

const EVERY_MS = 5000;
const rate = (value) => (value === null ? "–" : `${value >= 100 ? Math.round(value) : Number(value.toFixed(1))}`);

export function create() {
  const charts = {
    latency: lineChart({ title: "Time to an answer, mean by model", format: seconds, empty: "no question yet" }),
    asked: lineChart({ title: "Questions in 15 s", format: rate, top: 4, empty: "no question yet" }),
    hits: lineChart({ title: "Cache hit ratio", format: percent, top: 1, empty: "no lookup yet" }),
    tokens: lineChart({ title: "Tokens per second by model", format: rate, empty: "no model has written yet" }),
  };
  const queue = el("ul", { class: "queue" });
  const said = el("p", { class: "quiet", role: "status" });
  const pause = el("button", { type: "button", "aria-pressed": "false", onclick: toggle }, "Pause");
  const board = el("div", { class: "charts" },
    charts.latency.element, charts.asked.element, charts.hits.element, charts.tokens.element,
    el("section", { class: "card", "aria-label": "Queue" }, el("h2", {}, "Queue now"), queue));
  const element = el("section", { "aria-label": "Live" },
    el("div", { class: "row" }, el("h1", {}, "Live"), el("span", { class: "push" }, pause)), said, board);
  let timer = 0;
  let shown = false;

  function toggle() {
    const paused = pause.getAttribute("aria-pressed") !== "true";
    pause.setAttribute("aria-pressed", String(paused));
    if (!paused) load();
  }

  async function load() {
    clearTimeout(timer);
    if (!shown || pause.getAttribute("aria-pressed") === "true") return;
    if (!document.hidden) {
      try {
        draw(await get("monitoring/live"));
        board.hidden = false;
        if (said.textContent) said.textContent = "";
      } catch (problem) {
        const missing = problem.status === 404;
        board.hidden = missing;
        said.textContent = missing ? "Live figures are not available from this service." : problem.message;
      }
    }
    clearTimeout(timer);
    timer = setTimeout(load, EVERY_MS);
  }

  function draw({ step_s: stepS, from_at: fromAt, latency, asked, hit_ratio: hits, tokens_per_s: tokens, queue: waiting }) {
    const all = (series) => ({ series, fromAt, stepS });
    const byModel = (values) => all(Object.entries(values).map(([name, list]) => ({ name, values: list })));
    charts.latency.draw(byModel(latency));
    charts.asked.draw(all([{ name: "asked", values: asked }]));
    charts.hits.draw(all([{ name: "hits", values: hits }]));
    charts.tokens.draw(byModel(tokens));
    fill(queue, Object.entries(waiting).map(([model, load]) => queued(model, load)), Object.keys(waiting).length ? null : el("li", { class: "quiet" }, "nobody waits"));
  }

  return {
    element,
    title: "Live",
    enter() {
      shown = true;
      load();
    },
    leave() {
      shown = false;
      clearTimeout(timer);
    },
  };
}

function queued(model, { in_flight: running, waiting, capacity }) {
  const text = `${model}: ${running} running, ${waiting} waiting${capacity ? `, room for ${capacity}` : ""}`;
  return el("li", {}, text, el("meter", { min: 0, max: Math.max(1, capacity ?? 1), value: running + waiting, "aria-label": text }));
}
