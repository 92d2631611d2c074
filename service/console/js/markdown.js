/** A model's Markdown as elements. What it says comes from documents that anybody may have written, so there is no link,
 * no picture and no markup in the result: addresses are shown as text. `cite(number)` makes the mark of a `[number]`. */

import { el } from "./dom.js";

// Every length is bounded, so that no text takes long to read, however it is made.
const MARKS = /(`{1,3})([^`\n]{1,500})\1|\*\*(?=\S)([^\n]{1,500}?)\*\*|(?<![\w*])\*(?=\S)([^*\n]{1,500})\*(?!\w)|!?\[([^\]\n]{0,300})\]\(([^)\s]{0,2000})(?:\s"[^"\n]{0,300}")?\)|\[(\d{1,3})\]/;
const ITEM = /^(\s*)(?:[-*+]|(\d{1,9})[.)])\s+(.*)$/;
const MAX_DEPTH = 6;

export function markdown(text, cite) {
  const lines = text.replaceAll("\r\n", "\n").split("\n");
  const blocks = [];
  for (let at = 0; at < lines.length;) at = block(lines, at, blocks, cite);
  return blocks;
}

/** Adds the block that begins at line `at`; returns the line after it. */
function block(lines, at, blocks, cite) {
  const line = lines[at];
  if (!line.trim()) return at + 1;
  const fence = line.match(/^\s*(```+|~~~+)/);
  if (fence) return fenced(lines, at, fence[1], blocks);
  const heading = line.match(/^ {0,3}(#{1,6})\s(.*)$/);
  if (heading) {
    blocks.push(el(heading[1].length < 3 ? "h3" : "h4", {}, inline(heading[2].trim(), cite)));
    return at + 1;
  }
  if (ITEM.test(line)) return list(lines, at, blocks, cite);
  const quote = /^\s{0,3}>\s?/;
  if (quote.test(line)) return gathered(lines, at, (one) => quote.test(one), (found) => {
    blocks.push(el("blockquote", {}, inline(found.map((one) => one.replace(quote, "")).join("\n"), cite)));
  });
  return gathered(lines, at, (one) => one.trim() && !/^\s*(```|~~~|#{1,6}\s|>)/.test(one) && !ITEM.test(one), (found) => {
    blocks.push(el("p", {}, inline(found.join("\n"), cite)));
  });
}

/** A fence that is still open while the answer streams holds all that follows. */
function fenced(lines, at, fence, blocks) {
  let end = at + 1;
  while (end < lines.length && !lines[end].trim().startsWith(fence)) end += 1;
  blocks.push(el("pre", { tabindex: "0", "aria-label": "Code" }, el("code", {}, lines.slice(at + 1, end).join("\n"))));
  return end + 1;
}

function list(lines, at, blocks, cite) {
  const ordered = lines[at].match(ITEM)[2];
  const items = el(ordered ? "ol" : "ul", ordered && ordered !== "1" ? { start: ordered } : {});
  let end = at;
  for (; end < lines.length; end += 1) {
    const item = lines[end].match(ITEM);
    if (item && Boolean(item[2]) === Boolean(ordered)) items.append(el("li", {}, inline(item[3], cite)));
    else if (lines[end].trim() && /^\s/.test(lines[end])) items.lastChild.append(" ", ...inline(lines[end].replace(ITEM, "$3").trim(), cite));
    else break;
  }
  blocks.push(items);
  return end;
}

function gathered(lines, at, belongs, use) {
  let end = at + 1;
  while (end < lines.length && belongs(lines[end])) end += 1;
  use(lines.slice(at, end));
  return end;
}

/** Text with emphasis, code and marks; everything else stays as it was written. */
function inline(text, cite, depth = 0) {
  const parts = [];
  let rest = text;
  for (let found = rest.match(MARKS); found && depth < MAX_DEPTH; found = rest.match(MARKS)) {
    if (found.index) parts.push(rest.slice(0, found.index));
    parts.push(...marked(found, cite, depth));
    rest = rest.slice(found.index + found[0].length);
  }
  if (rest) parts.push(rest);
  return parts;
}

function marked([whole, ticks, code, strong, weak, label, address, number], cite, depth) {
  if (ticks) return [el("code", {}, code.trim())];
  if (strong) return [el("strong", {}, inline(strong, cite, depth + 1))];
  if (weak) return [el("em", {}, inline(weak, cite, depth + 1))];
  if (address !== undefined) return [label ? `${label} (${address})` : address];
  return [cite(Number(number)) ?? whole];
}
