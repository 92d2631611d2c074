/** The documents: what is there, adding to it, taking away from it. */

import { call, get } from "../api.js";
import { confirmed } from "../dialog.js";
import { announce, el, field, fill } from "../dom.js";
import { count, moment, percent, size } from "../format.js";
import { openPassage } from "../passage.js";
import { may } from "../session.js";
import { upload } from "../upload.js";

const ACCEPTED = ".md,.markdown,.txt,.html,.htm,.pdf,.csv,.json";
const RESULTS = { added: "added", replaced: "replaced", unchanged: "was there already" };
const AT_ONCE = 2;

export function create() {
  const files = el("input", { type: "file", id: "files", multiple: true, accept: ACCEPTED, onchange: send });
  const adding = el("div", {}, field("Add Markdown, text, HTML, PDF, CSV or JSON files", files));
  const uploads = el("ul", { class: "uploads plain" });
  const said = el("p", { class: "quiet", role: "status" });
  const filter = el("input", { type: "search", id: "filter", oninput: () => show() });
  const list = el("ul", { class: "documents plain", id: "documents" });
  const element = el("section", { "aria-label": "Documents" }, el("h1", {}, "Documents"), adding, uploads,
    el("div", { class: "row" }, field("Only names with", filter)), said, list);
  let corpus = null;

  async function load() {
    adding.hidden = !may("ingest");
    try {
      corpus = await get("documents");
      show();
    } catch (problem) {
      said.textContent = problem.message;
    }
  }

  function show() {
    if (!corpus) return;
    const wanted = filter.value.trim().toLowerCase();
    const found = corpus.documents.filter((one) => one.source.toLowerCase().includes(wanted));
    const pending = corpus.pending_vectors ? `; ${count(corpus.pending_vectors, "passage")} not yet found by meaning, only by keywords` : "";
    said.textContent = `${wanted ? `${found.length} of ` : ""}${count(corpus.documents.length, "document")}, ${count(corpus.chunks, "passage")}${pending}.`;
    fill(list, found.map((one) => row(one)));
  }

  function row(one) {
    const meta = [size(one.size_bytes), count(one.chunks, "passage"), `added ${moment(one.added_at)}`, one.embedded ? "" : "found by keywords only"].filter(Boolean);
    return el("li", { data: { document: one.id } },
      el("button", { type: "button", class: "link", onclick: () => openPassage({ documentId: one.id, source: one.source }) }, one.source),
      el("span", { class: "meta quiet" }, meta.join(" · ")),
      may("ingest") ? el("button", { type: "button", class: "danger", "aria-label": `Delete ${one.source}`, onclick: () => remove(one) }, "Delete") : null);
  }

  async function remove(one) {
    const sure = await confirmed({ title: `Delete ${one.source}?`, text: "No answer will cite it any more. It cannot be undone; a file in the `documents` folder is read again at the next start.", action: "Delete it" });
    if (!sure) return;
    try {
      await call(`documents/${encodeURIComponent(one.id)}`, { method: "DELETE" });
      announce(`${one.source} is deleted.`);
      await load();
      filter.focus();
    } catch (problem) {
      said.textContent = problem.message;
    }
  }

  /** Few at once: the service takes a handful, and the rest would only wait with open connections. */
  async function send() {
    const waiting = [...files.files];
    files.value = "";
    fill(uploads);
    const next = async () => {
      for (let file = waiting.shift(); file; file = waiting.shift()) await sendOne(file);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, next));
    await load();
  }

  async function sendOne(file) {
    const bar = el("progress", { max: 1, value: 0, "aria-label": `Sending ${file.name}` });
    const state = el("span", { role: "status" }, "sending");
    const line = el("li", {}, el("span", {}, `${file.name}: `, state), bar);
    uploads.append(line);
    try {
      const told = await upload(file, (share) => {
        bar.value = share;
        state.textContent = share < 1 ? percent(share) : "sent; being read";
      });
      state.textContent = `${RESULTS[told.result] ?? told.result}, ${count(told.chunks, "passage")}`;
    } catch (problem) {
      line.classList.add("note", "bad");
      state.textContent = problem.message;
    }
    bar.remove();
  }

  return { element, title: "Documents", enter: load };
}
