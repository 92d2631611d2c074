/** What the service's closed sets of words mean to people. Unknown ones are shown as they are. */

export const STAGES = {
  route: "Choose a model",
  cache_lookup: "Look into the cache",
  coalesce: "Wait for the same question",
  embed: "Embed the question",
  retrieve: "Search the documents",
  prompt: "Write the prompt",
  admission: "Wait for a place",
  generate: "Write the answer",
  extract: "Choose quotations",
  cache_store: "Keep the answer",
  "generate.queue": "wait at the model server",
  "generate.load": "load the model",
  "generate.prompt_eval": "read the prompt",
  "generate.eval": "write tokens",
  "generate.other": "on the way to and fro",
  unaccounted: "Everything else",
};

export const REASONS = {
  policy: "it is the model for questions of this tier",
  requested: "you asked for it",
  stepped_down: "the wanted one could not answer soon enough, so a smaller one did",
  stepped_up: "the wanted one is not there, so a larger one answered",
  unavailable: "no model can answer now",
};

export const CACHE = {
  hit: "Kept from before",
  miss: "New: not kept before",
  expired: "The kept answer was too old; made again",
  invalidated: "Documents or model have changed since; made again",
  bypass: "Not looked into",
  coalesced: "Shared with the same question of somebody else",
};

export const OUTCOMES = {
  ok: "answered",
  no_context: "not in the documents",
  degraded: "answered with less",
  rejected: "turned away",
  error: "failed",
  cancelled: "cancelled",
};

export const MODES = {
  generated: "Written by the model",
  extractive: "Quoted word for word; no model wrote this",
  no_context: "Nothing in the documents; no model was asked",
};

/** What was missing while an answer was made: what it means, and the way out. */
export const DEGRADED = {
  no_embedder: ["Documents are searched by keywords only: the embedding model is not there.", "Get it: `emini-rag models pull --all`."],
  chroma_unavailable: ["Documents are searched by keywords only: the vector store is away.", "`emini-rag doctor` says why; the service finds it again by itself."],
  llm_unreachable: ["No language model could be reached: answers are quotations.", "Start Ollama, or set `RAG_OLLAMA__URL` to where it is; the service notices by itself."],
  model_unavailable: ["No suitable language model is there: answers are quotations.", "See Models for what is missing, or run `emini-rag models pull --all`."],
  stepped_down: ["Another model than the wanted one answered.", "The reasons stand beside the answer; Models shows what is loaded and who waits."],
  cache_unavailable: ["The store behind the answer cache is away: a kept answer may have been missed.", "See `RAG_CACHE__URL` and the service's log."],
  prompt_truncated: ["The model did not see all passages: they exceed its context window.", "Ask a narrower question, or a model with a larger window."],
  output_truncated: ["The answer was cut off at the token limit.", "Ask for less at a time."],
};

/** A dependency of `/readyz` that is away. */
export const AWAY = {
  ollama: ["No language model: Ollama is away or has none of the models. Answers are quotations from your documents.", "Start Ollama and run `emini-rag models pull --all`; the service notices by itself."],
  chroma: ["The vector store is away. Documents are searched by keywords only.", "`emini-rag doctor` says why; the service finds it again by itself."],
  sqlite: ["The documents' store does not answer: no question can be answered.", "`emini-rag doctor` says what is wrong with the data folder."],
  cache: ["The store behind the answer cache fails. Answers are kept in memory only.", "See `RAG_CACHE__URL` and the service's log."],
  data_folder: ["The data folder cannot be written to, or the disk is nearly full. Nothing new is kept.", "Free some space; `emini-rag doctor` names the folder."],
  documents: ["The documents are being read for the first time.", "Questions are answered as soon as that is done; watch the service's log if it takes long."],
};

/** What becomes of alerts, where that is worth a word; `/readyz` says which. */
export const ALERTS = {
  nobody_told: ["When an alert fires, nobody is told.", "Name who is in `ALERT_RECEIVERS`; prometheus/receivers/README.md says what each needs."],
};

export const of = (words, key) => words[key] ?? String(key ?? "–").replaceAll("_", " ");
