"""An index that was cut short is told before Chroma loads it."""

import struct
from pathlib import Path

from service.retrieval.vector_files import cut_short

KEPT, BYTES_EACH = 50, 156


def write_index(
    folder: Path, *, version: int = 1, header_bytes: int = 100, data_bytes: int = KEPT * BYTES_EACH
) -> Path:
    """An index as Chroma leaves it, as far as its lengths go."""
    folder.mkdir(parents=True)
    header = struct.pack("<iQQQQ", version, 0, 1024, KEPT, BYTES_EACH).ljust(100, b"\0")
    (folder / "header.bin").write_bytes(header[:header_bytes])
    (folder / "data_level0.bin").write_bytes(b"\0" * data_bytes)
    return folder


def test_no_folder_and_no_index_is_nothing_wrong(tmp_path: Path) -> None:
    assert cut_short(tmp_path / "absent") is None
    assert cut_short(tmp_path) is None


def test_whole_indexes_pass_with_room_for_more_too(tmp_path: Path) -> None:
    write_index(tmp_path / "one")
    write_index(tmp_path / "two", data_bytes=KEPT * BYTES_EACH + 5)
    assert cut_short(tmp_path) is None


def test_data_that_are_too_short_or_gone_are_found(tmp_path: Path) -> None:
    write_index(tmp_path / "whole")
    damaged = write_index(tmp_path / "damaged", data_bytes=KEPT * BYTES_EACH - 1)
    assert cut_short(tmp_path) == damaged
    (damaged / "data_level0.bin").unlink()
    assert cut_short(tmp_path) == damaged


def test_a_header_that_was_cut_is_found(tmp_path: Path) -> None:
    assert cut_short(write_index(tmp_path / "damaged", header_bytes=40).parent) == tmp_path / "damaged"
    assert cut_short(write_index(tmp_path / "b" / "empty", header_bytes=0).parent) == tmp_path / "b" / "empty"


def test_a_form_that_is_not_known_is_not_judged(tmp_path: Path) -> None:
    write_index(tmp_path / "newer", version=2, data_bytes=3)
    assert cut_short(tmp_path) is None
