/** Elements are built by calls alone: every text becomes a text node, so nothing that comes from outside is read as markup. */

const SVG = "http://www.w3.org/2000/svg";

/** An element. `on...` properties are listeners, `data` an object of data attributes; null and false are left out. */
export function el(name, properties = {}, ...children) {
  return filled(document.createElement(name), properties, children);
}

export function svg(name, properties = {}, ...children) {
  return filled(document.createElementNS(SVG, name), properties, children);
}

/** Replace what is in `parent`. */
export function fill(parent, ...children) {
  parent.replaceChildren(...flat(children));
  return parent;
}

/** Text in which `back ticks` stand for code. For our own words only in form; whatever it holds stays text. */
export function prose(text) {
  return text.split("`").map((part, number) => (number % 2 ? el("code", {}, part) : part)).filter((part) => part !== "");
}

/** A link out of the page, or its text where the address is none of the web. */
export function outside(address, ...children) {
  const safe = typeof address === "string" && /^https?:\/\//i.test(address);
  return safe ? el("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, ...children) : el("span", {}, ...children);
}

/** A list of terms and values; those without a value are left out. A third member `true` gives it the whole width. */
export function facts(pairs) {
  const rows = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return el("dl", { class: "facts" }, ...rows.map(([term, value, wide]) =>
    el("div", { class: wide ? "wide" : null }, el("dt", {}, term), el("dd", {}, value))));
}

/** A control under its label. The control has an `id`. */
export function field(text, control) {
  return el("div", { class: "field" }, el("label", { for: control.id }, text), control);
}

/** Told to screen readers; seen by nobody. */
export function announce(text) {
  document.getElementById("announce").textContent = text;
}

/** Places an absolute bar on its track, in shares of the width. */
export function place(bar, begun, share) {
  bar.style.left = `${Math.min(100, Math.max(0, begun * 100))}%`;
  bar.style.width = `${Math.min(100, Math.max(0, share * 100))}%`;
  return bar;
}

function filled(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name === "value" || name === "checked") continue;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...flat(children));
  // A list's value can be set only once its options are there.
  for (const name of ["value", "checked"]) if (properties[name] !== undefined) element[name] = properties[name];
  return element;
}

function flat(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}
