/** The side panel: a document's text, and in it the passage that was cited. */

import { call, whole } from "./api.js";
import { shown } from "./dialog.js";
import { el, fill } from "./dom.js";
import { count } from "./format.js";

// A document can be 20 MB; this much is shown around the passage at first, and added with each wish for more.
const AROUND = 6000;

/** `start` and `end` are characters in the document's text, as in citations; without them it begins at its beginning. */
export async function openPassage({ documentId, source, start = 0, end = 0 }) {
  const text = el("div", { class: "text", tabindex: "0", role: "region", "aria-label": "Text of the document", "aria-busy": "true" }, "Reading…");
  const close = el("button", { type: "button", autofocus: true, onclick: () => dialog.close() }, "Close");
  const where = end > start ? `characters ${start}–${end}` : "";
  const dialog = el("dialog", { class: "panel", "aria-labelledby": "panel-title" },
    el("header", {}, el("h2", { id: "panel-title" }, source, where ? el("span", { class: "quiet" }, ` ${where}`) : null), close), text);
  const done = shown(dialog);
  try {
    const reply = await call(`documents/${encodeURIComponent(documentId)}/text`, { headers: { accept: "text/plain" } });
    show(text, await whole(() => reply.text()), start, end);
  } catch (problem) {
    const gone = problem.status === 404 ? "This document is no longer there: it was deleted or replaced after the answer was made." : problem.message;
    fill(text, el("p", { class: "note bad" }, gone));
  }
  text.removeAttribute("aria-busy");
  await done;
}

function show(parent, content, startCharacter, endCharacter) {
  const [start, end] = units(content, startCharacter, endCharacter);
  let from = Math.max(0, start - AROUND);
  let to = Math.min(content.length, end + AROUND);
  const mark = el("mark", { tabindex: "-1" }, content.slice(start, end));
  const draw = () => fill(parent,
    from > 0 ? more(`Earlier text (${count(from, "character")})`, () => { from = Math.max(0, from - 4 * AROUND); draw(); }) : null,
    content.slice(from, start), end > start ? mark : null, content.slice(end, to),
    to < content.length ? more(`Later text (${count(content.length - to, "character")})`, () => { to = Math.min(content.length, to + 4 * AROUND); draw(); }) : null);
  draw();
  if (end > start) mark.scrollIntoView({ block: "center" });
}

const more = (label, onclick) => el("p", {}, el("button", { type: "button", onclick }, label));

/** Citations count characters, JavaScript counts the halves of those beyond the first 65,536. */
function units(text, start, end) {
  if (!/[\ud800-\udbff]/.test(text)) return [start, end];
  const places = [];
  let characters = 0;
  let at = 0;
  for (const character of text) {
    if (characters === start) places[0] = at;
    if (characters === end) places[1] = at;
    characters += 1;
    at += character.length;
  }
  return [places[0] ?? text.length, places[1] ?? text.length];
}
