/** Figures for people, in the same words as the command line. */

const SIZES = [["GiB", 2 ** 30], ["MiB", 2 ** 20], ["kiB", 2 ** 10]];
const numbers = new Intl.NumberFormat("en");

/** 0.000123 -> "0.12 ms", 1.5 -> "1.50 s", 75 -> "1 min 15 s"; a dash for none. */
export function seconds(value) {
  if (value === null || value === undefined) return "–";
  if (value < 0.001) return `${(value * 1000).toFixed(2)} ms`;
  if (value < 1) return `${(value * 1000).toFixed(value >= 0.01 ? 0 : 1)} ms`;
  if (value < 60) return `${value.toFixed(value < 10 ? 2 : 1)} s`;
  const whole = Math.round(value);
  const minutes = Math.floor(whole / 60);
  return minutes < 60 ? `${minutes} min ${whole % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function size(bytes) {
  const found = SIZES.find(([, each]) => bytes >= each);
  return found ? `${(bytes / found[1]).toFixed(1)} ${found[0]}` : `${bytes} B`;
}

export function percent(share) {
  return share === null || share === undefined ? "–" : `${Math.round(share * 100)} %`;
}

export function count(number, thing) {
  return `${numbers.format(number)} ${thing}${number === 1 ? "" : "s"}`;
}

/** Unix seconds as local date and time, to the second. */
export function moment(at) {
  if (!at) return "–";
  const date = new Date(at * 1000);
  const two = (number) => String(number).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${clock(at)}`;
}

export function clock(at) {
  const date = new Date(at * 1000);
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, "0")).join(":");
}
