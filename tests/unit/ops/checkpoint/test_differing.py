"""What changed between two checkpoints."""

import json

from ops.checkpoint.code_state import Repository
from ops.checkpoint.creating import Wish
from ops.checkpoint.differing import differences
from tests.unit.ops.checkpoint.stand import DOCUMENTS, Stand, fill


def test_documents_settings_and_models(stand: Stand) -> None:
    fill(stand.data, DOCUMENTS + 1)
    fill(stand.data, 1, edition=2)
    (stand.data / "models.json").write_text(json.dumps({"llama": "sha256:bb"}))
    making = stand.making()
    making.configuration = {"settings": {"retrieval.top_k": 7}}
    with stand.archive.changing():
        making.create(Wish("second"))
    repository = Repository(stand.repository)
    found = differences(stand.path(), stand.path("second"), repository)
    assert (found.added, found.removed, found.replaced) == ([f"doc{DOCUMENTS}.md"], [], ["doc0.md"])
    assert found.changed["setting retrieval.top_k"] == (5, 7)
    assert found.changed["model llama"] == (None, "sha256:bb")
    assert found.changed["documents"] == (DOCUMENTS, DOCUMENTS + 1)
    assert not found.empty
    assert differences(stand.path(), stand.path(), repository).empty
    back = differences(stand.path("second"), stand.path(), repository)
    assert back.removed == [f"doc{DOCUMENTS}.md"]
