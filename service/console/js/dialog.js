/** Dialogues: modal, closed by Escape, the focus goes back to where it was. */

import { el, prose } from "./dom.js";

/** Shows `dialog` until it is closed; resolves with its return value. It is removed afterwards. */
export function shown(dialog) {
  document.body.append(dialog);
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue);
    });
    dialog.showModal();
  });
}

/** Asks before something that cannot be taken back. */
export async function confirmed({ title, text, action }) {
  const close = (value) => () => dialog.close(value);
  const dialog = el("dialog", { "aria-labelledby": "confirm-title", "aria-describedby": "confirm-text" },
    el("h2", { id: "confirm-title" }, title),
    el("p", { id: "confirm-text" }, prose(text)),
    el("div", { class: "row" },
      el("button", { type: "button", autofocus: true, onclick: close("") }, "Keep it"),
      el("button", { type: "button", class: "danger", onclick: close("yes") }, action)));
  return await shown(dialog) === "yes";
}
