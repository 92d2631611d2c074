"""The last known digest of each model, kept over a restart.

Answers are cached under the digest of the model that made them. With it, those answers are still found when the service
starts while Ollama is away. Losing the file loses those hits until Ollama is seen again, and nothing else.
"""

import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path

from service.routing.port import ModelSnapshot

_log = logging.getLogger(__name__)


class KnownDigests:
    """One small JSON file: name -> digest. Never raises; `note` writes only what has changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known = self._read()

    @property
    def by_model(self) -> Mapping[str, str]:
        return dict(self._known)

    def note(self, snapshot: ModelSnapshot) -> None:
        """Take over what a poll has seen."""
        seen = {name: state.digest for name, state in snapshot.models.items() if state.installed and state.digest}
        if not snapshot.reachable or seen.items() <= self._known.items():
            return
        self._known |= seen
        beside = self._path.with_name(self._path.name + ".new")
        try:
            beside.write_text(json.dumps(self._known), encoding="utf-8")
            os.replace(beside, self._path)  # noqa: PTH105 # says that it overwrites
        except OSError as error:
            _log.warning("the models' digests were not written down: %s", error.strerror)

    def _read(self) -> dict[str, str]:
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        if not isinstance(found, dict):
            return {}
        return {name: digest for name, digest in found.items() if isinstance(name, str) and isinstance(digest, str)}
