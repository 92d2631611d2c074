/** The models: what is installed, in memory, waited for; how to get the rest. */

import { call, get } from "../api.js";
import { announce, el, facts, fill } from "../dom.js";
import { clock, count, moment, seconds, size } from "../format.js";
import { may } from "../session.js";

const EVERY_MS = 10_000;
const BREAKERS = { closed: "well", open: "failing: not asked for a while", half_open: "tried again after failures" };

export function create() {
  const said = el("p", { class: "quiet", role: "status" });
  const list = el("ul", { class: "cards" });
  const element = el("section", { "aria-label": "Models" }, el("h1", {}, "Models"), said, list);
  const cards = new Map();
  let timer = 0;
  let shown = false;

  async function load() {
    clearTimeout(timer);
    if (!shown) return;
    if (!document.hidden) {
      try {
        show(await get("monitoring/models"));
      } catch (problem) {
        said.textContent = problem.message;
      }
    }
    clearTimeout(timer);
    timer = setTimeout(load, EVERY_MS);
  }

  /** Each model keeps its card, so that the keyboard's place is not lost with every look. */
  function show(told) {
    const words = told.reachable ? `The model server answers. Last seen ${moment(told.polled_at)}; ${count(told.swaps, "change")} of what is in memory since the start.` : "The model server does not answer: what follows is what was last known. Answers are quotations until it is back.";
    if (said.textContent !== words) said.textContent = words;
    for (const model of told.models) {
      if (!cards.has(model.name)) {
        cards.set(model.name, card(model.name, load));
        list.append(cards.get(model.name).element);
      }
      cards.get(model.name).draw(model);
    }
  }

  return {
    element,
    title: "Models",
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

function card(name, changed) {
  const heading = el("h2", {}, name);
  const tags = el("p", {});
  const about = el("div", {});
  const command = `emini-rag models pull ${name}`;
  const copy = el("button", { type: "button", onclick: () => copied(command) }, "Copy");
  const pull = el("div", {}, el("p", {}, "To install it:"), el("div", { class: "command" }, el("code", {}, command), copy));
  const preload = el("button", { type: "button", onclick: loadNow }, "Load into memory");
  const said = el("p", { role: "status" });
  const element = el("li", { class: "card", data: { model: name } }, heading, tags, about, pull, preload, said);
  let loading = false;

  async function loadNow() {
    if (loading) return;
    loading = true;
    preload.setAttribute("aria-disabled", "true");
    said.textContent = "Loading; a large model takes a minute…";
    try {
      await call(`monitoring/models/${name.split("/").map(encodeURIComponent).join("/")}/preload`, { method: "POST" });
      said.textContent = "It is in memory.";
    } catch (problem) {
      said.textContent = problem.message;
    }
    loading = false;
    preload.removeAttribute("aria-disabled");
    changed();
  }

  return {
    element,
    draw(model) {
      fill(tags, tag(model.installed ? ["installed", "good"] : ["not installed", "warn"]), " ", model.resident ? [tag(["in memory", "good"]), " "] : null,
        model.breaker === "closed" ? null : tag([BREAKERS[model.breaker] ?? model.breaker, "bad"]));
      fill(about, described(model));
      pull.hidden = model.installed;
      preload.hidden = !model.installed || model.resident || !may("admin");
    },
  };
}

const tag = ([text, kind]) => el("span", { class: `tag ${kind}` }, text);

function described(model) {
  return facts([
    ["For", model.role === "embedding" ? "finding passages by meaning" : model.tiers.length ? `${model.tiers.join(", ")} questions` : "when asked for by name"],
    ["Size", model.size_bytes ? size(model.size_bytes) : null],
    ["VRAM", model.resident ? (model.vram_bytes ? size(model.vram_bytes) : "none: it runs on the CPU") : null],
    ["In memory until", model.resident && model.expires_at ? clock(model.expires_at) : null],
    ["Parameters", [model.parameter_size, model.quantization].filter(Boolean).join(", ")],
    ["Context window", model.context_length ? count(model.context_length, "token") : null],
    ["Now", model.role === "embedding" ? null : `${model.in_flight} of ${model.slots} running, ${model.waiting} of ${model.max_waiting} waiting`],
    ["An answer usually takes", model.usual_service_s ? seconds(model.usual_service_s) : null],
    ["Last load took", model.last_load_s === null ? null : seconds(model.last_load_s)],
    ["Digest", model.digest ? el("code", {}, model.digest) : null, true],
  ]);
}

async function copied(command) {
  try {
    await navigator.clipboard.writeText(command);
    announce("Copied");
  } catch {
    announce("The browser does not allow copying here; the command is beside the button.");
  }
}
