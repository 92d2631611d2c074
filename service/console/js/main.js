/** The page: one view at a time, by the part of the address after `#`. Views are made once and kept. */

import { el, fill } from "./dom.js";
import { begin, whenSignedIn } from "./session.js";
import { watch } from "./status.js";
import * as ask from "./views/ask.js";
import * as documents from "./views/documents.js";
import * as live from "./views/live.js";
import * as models from "./views/models.js";
import * as queries from "./views/queries.js";
import * as trace from "./views/trace.js";

const VIEWS = { ask, queries, live, models, documents, trace };
const made = new Map();
const main = document.getElementById("main");
let current = null;

/** `#/name/argument?filters`. */
function route() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, argument = ""] = path.split("/");
  return { name: Object.hasOwn(VIEWS, name) ? name : "ask", argument, params: new URLSearchParams(query) };
}

function show(moved) {
  const { name, argument, params } = route();
  current?.leave?.();
  if (!made.has(name)) {
    made.set(name, VIEWS[name].create());
    main.append(made.get(name).element);
  }
  current = made.get(name);
  for (const view of made.values()) view.element.hidden = view !== current;
  document.title = `${current.title} · emini-rag`;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#/${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  // Whoever came by a link goes on from the top of the view.
  if (moved) main.focus({ preventScroll: true });
  current.enter?.({ argument, params });
}

async function start() {
  fill(main);
  window.addEventListener("hashchange", () => show(true));
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    main.focus();
  });
  window.addEventListener("unhandledrejection", (event) => fault(event.reason));
  whenSignedIn(() => show(false));
  watch();
  show(false);
  await begin();
}

/** A fault of this page's own, which should not be: told, so that it is not taken for an answer. */
function fault(reason) {
  if (reason?.name === "AbortError") return;
  const close = el("button", { type: "button", onclick: () => note.remove() }, "Close");
  const note = el("div", { class: "note bad", role: "alert" }, el("p", {}, `Something in this page failed: ${reason?.message ?? reason}`), close);
  main.prepend(note);
}

start();
