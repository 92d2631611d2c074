from pathlib import Path

import pytest

from ops.compose.files import Unreadable, interpolate, read, read_variables


def _file(folder: Path, text: str) -> Path:
    path = folder / "docker-compose.yml"
    path.write_text(text)
    return path


def test_anchors_are_laid_under_what_a_service_says(tmp_path: Path) -> None:
    content = read(_file(tmp_path, "x-base: &base {restart: always, cpus: 1}\nservices: {a: {<<: *base, cpus: 2}}\n"))
    assert content["services"]["a"] == {"restart": "always", "cpus": 2}


def test_the_tags_of_compose_are_known(tmp_path: Path) -> None:
    text = "services:\n  a:\n    deploy: !reset null\n    ports: !override ['1:1']\n    build: !override {context: .}\n"
    assert read(_file(tmp_path, text))["services"]["a"] == {
        "deploy": None,
        "ports": ["1:1"],
        "build": {"context": "."},
    }


@pytest.mark.parametrize("text", ["services: [", "[]", "services: []", "networks: {}"])
def test_what_is_no_compose_file_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(Unreadable, match=r"docker-compose\.yml"):
        read(_file(tmp_path, text))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match=r"docker-compose\.dev\.yml"):
        read(tmp_path / "docker-compose.dev.yml")
    with pytest.raises(Unreadable, match=r"\.env"):
        read_variables(tmp_path / ".env")


def test_variables_are_read_without_comments(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("# A=1\n\nB=one=two\n C = 3 \n")
    assert read_variables(tmp_path / ".env") == {"B": "one=two", "C": "3"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${SET}", "x"),
        ("a-${SET}-b", "a-x-b"),
        ("${UNSET}", ""),
        ("${UNSET:-default}", "default"),
        ("${EMPTY:-default}", "default"),
        ("${SET:-default}", "x"),
        ('${UNSET:-["a","b"]}', '["a","b"]'),
        ("${UNSET:?why not}", ""),
        ("${SET:?why not}", "x"),
        ("$$line", "$line"),
        ("plain", "plain"),
    ],
)
def test_references_are_replaced_as_compose_does(text: str, value: str) -> None:
    assert interpolate(text, {"SET": "x", "EMPTY": ""}) == value
