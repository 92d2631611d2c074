"""Listing and reading a folder's files."""

import os
from pathlib import Path

import pytest

from service.corpus.folder import FoundFile, read, scan
from service.errors import ErrorKind, NotFound, ServiceError, TooLarge, UnsupportedDocument


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "documents"
    for name in ("b.md", "a/z.md", "a/a.md", ".git/config", "a/.hidden", "Z.md"):
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_text(f"text of {name}")
    return made


def problems(path: Path) -> dict[str, str]:
    return {file.source: file.problem for file in scan(str(path)).files}


def test_lists_recursively_in_order_without_hidden_ones(folder: Path) -> None:
    found = scan(str(folder))
    assert [file.source for file in found.files] == ["Z.md", "a/a.md", "a/z.md", "b.md"]
    assert found.complete
    assert found.root == folder.resolve()
    assert read(found.files[1], 100) == b"text of a/a.md"


def test_links_may_stay_inside_only(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.md").write_text("secret")
    (folder / "inside.md").symlink_to(folder / "b.md")
    (folder / "out.md").symlink_to(tmp_path / "outside" / "secret.md")
    (folder / "out-folder").symlink_to(tmp_path / "outside")
    (folder / "loop").symlink_to(folder)
    (folder / "circle.md").symlink_to(folder / "circle.md")
    (folder / "dead.md").symlink_to(folder / "nothing")
    found = problems(folder)
    assert {source for source, problem in found.items() if not problem} == {
        "Z.md",
        "a/a.md",
        "a/z.md",
        "b.md",
        "inside.md",
    }
    assert "outside" in found["out.md"]
    assert "outside" in found["out-folder"]
    assert "nowhere" in found["dead.md"]
    assert "nowhere" in found["circle.md"]
    assert "loop" not in found
    outside = next(file for file in scan(str(folder)).files if file.source == "out.md")
    with pytest.raises(UnsupportedDocument, match="outside"):
        read(outside, 100)


def test_a_pipe_is_reported_and_never_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "pipe.md")
    assert "no regular file" in problems(folder)["pipe.md"]
    with pytest.raises(UnsupportedDocument, match="no regular file"):
        read(FoundFile("pipe.md", folder / "pipe.md"), 100)


def test_a_file_swapped_for_a_link_after_listing_is_not_followed(folder: Path) -> None:
    found = next(file for file in scan(str(folder)).files if file.source == "b.md")
    (folder / "b.md").unlink()
    (folder / "b.md").symlink_to("/etc/hostname")
    with pytest.raises(ServiceError, match="cannot be read"):
        read(found, 100)


def test_a_file_that_went_or_grew_is_told(folder: Path) -> None:
    found = {file.source: file for file in scan(str(folder)).files}
    (folder / "b.md").unlink()
    with pytest.raises(ServiceError, match="still there") as caught:
        read(found["b.md"], 100)
    assert caught.value.kind is ErrorKind.OTHER
    with pytest.raises(TooLarge, match="split it"):
        read(found["Z.md"], 5)


def test_names_that_become_one_are_told_apart(folder: Path) -> None:
    for name in ("bad\x01.md", "bad\x02.md"):
        (folder / name).write_text("text")
    found = [(file.source, bool(file.problem)) for file in scan(str(folder)).files if "bad" in file.source]
    assert [problem for _, problem in found] == [False, True]


def test_bytes_that_are_no_name_are_labelled(folder: Path) -> None:
    os.close(os.open(os.fsencode(folder) + b"/caf\xe9.md", os.O_CREAT | os.O_WRONLY))
    labels = [file.source for file in scan(str(folder)).files if file.source.startswith("caf")]
    assert len(labels) == 1
    labels[0].encode()


def test_one_file_stands_alone(folder: Path) -> None:
    found = scan(str(folder / "b.md"))
    assert [file.source for file in found.files] == ["b.md"]
    assert (found.root, found.complete) == (folder.resolve(), False)


@pytest.mark.parametrize("path", ["/no/such/folder", "x\x00y", "y" * 5000])
def test_what_is_not_there_is_not_found(path: str) -> None:
    with pytest.raises(NotFound):
        scan(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_part_that_cannot_be_listed_makes_it_incomplete(folder: Path) -> None:
    (folder / "a").chmod(0)
    try:
        assert not scan(str(folder)).complete
    finally:
        (folder / "a").chmod(0o700)
