/** A small line chart as SVG, drawn to the width that it has, with the same figures as a table beside it. */

import { el, fill, svg } from "./dom.js";
import { clock } from "./format.js";

const HEIGHT = 180;
const MARGIN = { left: 52, right: 8, top: 8, bottom: 22 };
// Lines differ by pattern too, for those who see no colours.
const DASHES = ["", "7 3", "2 3", "9 3 2 3", "5 2", "1 2"];
const STEPS = [1, 2, 2.5, 5, 10];

/** `draw({series: [{name, values}], fromAt, stepS})` shows new figures; `format` writes one of them. A missing value is a gap. */
export function lineChart({ title, format, top = 0, empty }) {
  const picture = svg("svg", { role: "img" });
  const legend = el("ul", { class: "legend" });
  const table = el("table", { class: "figures" });
  const figures = el("details", {}, el("summary", {}, "Figures"), el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `${title}: figures` }, table));
  const element = el("figure", { class: "card chart" }, el("h2", {}, title), picture, legend, figures);
  let data = null;

  const redraw = () => {
    if (!data || !picture.clientWidth) return;
    const values = data.series.flatMap((one) => one.values).filter((value) => value !== null);
    const highest = nice(Math.max(top, ...values, Number.EPSILON));
    picture.setAttribute("aria-label", summary(title, data.series, format, empty));
    fill(picture, scale(picture.clientWidth, highest, data, format, values.length ? "" : empty), lines(picture.clientWidth, highest, data.series));
  };
  new ResizeObserver(redraw).observe(picture);
  figures.addEventListener("toggle", () => { if (figures.open && data) tabulate(table, data, format); });

  return {
    element,
    draw(shown) {
      data = shown;
      fill(legend, data.series.map(({ name, values }, number) => el("li", {}, sample(number), `${name}: ${format(last(values))}`)));
      if (figures.open) tabulate(table, data, format);
      redraw();
    },
  };
}

const last = (values) => values.findLast((value) => value !== null) ?? null;
const dash = (number) => DASHES[number % DASHES.length] || null;
const sample = (number) => svg("svg", { "aria-hidden": "true" },
  svg("line", { class: `line s${number % 6}`, x1: 0, x2: 26, y1: 5, y2: 5, "stroke-dasharray": dash(number) }));

function summary(title, series, format, empty) {
  const told = series.map(({ name, values }) => {
    const there = values.filter((value) => value !== null);
    return there.length ? `${name} now ${format(there.at(-1))}, between ${format(Math.min(...there))} and ${format(Math.max(...there))}` : `${name} none`;
  });
  return `${title}: ${told.length ? told.join("; ") : empty}`;
}

function scale(width, highest, { fromAt, stepS, series }, format, empty) {
  const steps = Math.max(1, ...series.map((one) => one.values.length)) - 1;
  const [bottom, right] = [HEIGHT - MARGIN.bottom, width - MARGIN.right];
  const rows = [0, 0.5, 1].map((part) => {
    const y = bottom - part * (bottom - MARGIN.top);
    return [svg("line", { class: "grid", x1: MARGIN.left, x2: right, y1: y, y2: y }), svg("text", { x: MARGIN.left - 6, y: y + 4, "text-anchor": "end" }, format(part * highest))];
  });
  const times = [[MARGIN.left, "start", 0], [right, "end", steps]].map(([x, anchor, step]) =>
    svg("text", { x, y: HEIGHT - 6, "text-anchor": anchor }, clock(fromAt + step * stepS).slice(0, 5)));
  const nothing = empty ? svg("text", { x: (MARGIN.left + right) / 2, y: HEIGHT / 2, "text-anchor": "middle" }, empty) : null;
  return [rows, times, nothing];
}

function lines(width, highest, series) {
  return series.map(({ values }, number) => {
    const step = (width - MARGIN.left - MARGIN.right) / Math.max(1, values.length - 1);
    const points = [];
    let path = "";
    values.forEach((value, at) => {
      if (value === null) return;
      const begins = at === 0 || values[at - 1] === null;
      const [x, y] = [MARGIN.left + at * step, HEIGHT - MARGIN.bottom - (value / highest) * (HEIGHT - MARGIN.top - MARGIN.bottom)];
      path += `${begins ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`;
      // A value between two gaps has no line.
      if (begins && (values[at + 1] ?? null) === null) points.push(svg("circle", { class: `line s${number % 6}`, cx: x.toFixed(1), cy: y.toFixed(1), r: 2 }));
    });
    return [svg("path", { class: `line s${number % 6}`, d: path, "stroke-dasharray": dash(number) }), points];
  });
}

function tabulate(table, { series, fromAt, stepS }, format) {
  const length = Math.max(0, ...series.map((one) => one.values.length));
  const rows = Array.from({ length }, (_, at) => length - 1 - at).map((at) => el("tr", {},
    el("th", { scope: "row" }, clock(fromAt + at * stepS)), series.map(({ values }) => el("td", {}, format(values[at] ?? null)))));
  fill(table, el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Time"), series.map(({ name }) => el("th", { scope: "col" }, name)))), el("tbody", {}, rows));
}

/** The next round number. */
function nice(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return STEPS.find((step) => step * power >= value * 0.999) * power;
}
