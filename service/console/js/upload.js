/** Sending one file. By XMLHttpRequest, because `fetch` does not tell how much has been sent. */

import { authorization, documentProblem, Problem, refused } from "./api.js";

/** Resolves with what the service says of the document; `progress` hears shares from 0 to 1. Throws a `Problem`. */
export function upload(file, progress) {
  const form = new FormData();
  form.append("file", file, file.name);
  const request = new XMLHttpRequest();
  request.open("POST", "documents");
  request.responseType = "text";
  for (const [name, value] of Object.entries(authorization())) request.setRequestHeader(name, value);
  request.upload.addEventListener("progress", (event) => event.lengthComputable && progress(event.loaded / event.total));
  return new Promise((resolve, reject) => {
    request.addEventListener("load", () => {
      const told = parsed(request.responseText);
      if (request.status < 300 && told) resolve(told);
      else reject(refused(documentProblem(told, { status: request.status })));
    });
    request.addEventListener("error", () => reject(new Problem("The connection broke off: nothing may have been added. Send it again; a file that is there already does no harm.")));
    request.send(form);
  });
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
