/** Who is signed in, and what this key may do. */

import { announce, el, field, fill } from "./dom.js";
import { get, hasKey, holdKey, whenUnauthorized } from "./api.js";
import { shown } from "./dialog.js";

const listeners = new Set();
let who = null;
let asking = false;

/** Called after every change of who is signed in. */
export const whenSignedIn = (listener) => listeners.add(listener);
/** Whether the key has a scope; until it is known, the service decides. */
export const may = (scope) => who === null || who.scopes.includes(scope);

/** Finds out who we are; asks for a key where one is needed. */
export async function begin() {
  document.getElementById("sign").addEventListener("click", () => (hasKey() ? signOut() : signIn()));
  whenUnauthorized((problem) => signIn(hasKey() ? "The service no longer accepts this key." : problem.message));
  await look({}).catch(() => {});
}

async function look(options) {
  who = await get("session", {}, options);
  show();
}

function show() {
  fill(document.getElementById("instance"), who ? `${who.environment} · ${who.version}` : "");
  fill(document.getElementById("who"), hasKey() && who ? `Signed in as ${who.name}` : "");
  const button = document.getElementById("sign");
  button.hidden = who !== null && !hasKey();
  button.textContent = hasKey() ? "Sign out" : "Sign in";
}

function signOut() {
  holdKey("");
  location.reload();
}

/** Shows the dialogue, once at a time. */
async function signIn(reason = "") {
  if (asking) return;
  asking = true;
  if (reason) {
    holdKey("");
    who = null;
  }
  show();
  try {
    await shown(dialogue(reason));
  } finally {
    asking = false;
    show();
  }
}

function dialogue(reason) {
  const said = el("p", { role: "alert", class: reason ? "note" : null }, reason);
  const input = el("input", { type: "password", id: "key", autocomplete: "off", spellcheck: "false", required: true, autofocus: true });
  const form = el("form", { onsubmit: submit },
    el("h2", { id: "sign-title" }, "Sign in"), said,
    field("API key", input),
    el("p", { class: "quiet" }, "It stays in this tab's memory and is gone when the tab is closed or loaded again. ", el("code", {}, "emini-rag keys create"), " makes one."),
    el("div", { class: "row" },
      el("button", { type: "button", onclick: () => dialog.close("") }, "Not now"),
      el("button", { type: "submit", class: "main" }, "Sign in")));
  const dialog = el("dialog", { "aria-labelledby": "sign-title" }, form);

  async function submit(event) {
    event.preventDefault();
    holdKey(input.value.trim());
    try {
      await look({ quiet: true });
    } catch (problem) {
      holdKey("");
      said.className = "note bad";
      fill(said, problem.status === 401 ? "This key is not accepted: it is wrong, expired or revoked." : problem.message);
      input.select();
      input.focus();
      return;
    }
    dialog.close("yes");
    announce(`Signed in as ${who.name}`);
    for (const listener of listeners) listener();
  }
  return dialog;
}
