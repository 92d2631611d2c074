"""The builder, with a `go` that compiles nothing: what it builds, that it builds it once, and what it says."""

import io
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ops.components.__main__ import main
from ops.components.building import BuildFailed, build, command, environment, printed_version
from ops.components.find import OTHERS, find
from ops.components.needs import lacks, needed_go
from ops.components.recipes import RECIPES, Recipe, built_folder
from ops.setup.progress import Progress

# What `go build ... -o BINARY PACKAGE` does here: it writes a program that prints a version.
GO = """\
#!/bin/sh
echo "$PWD: $*" >>"{calls}"
echo compiling/something
{before}
while [ "$1" != "-o" ]; do shift; done
printf '#!/bin/sh\\necho "thing, version {version}"\\n' >"$2"
chmod +x "$2"
"""
FakeGo = Callable[..., Path]


@pytest.fixture
def fake_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeGo:
    """Puts such a `go` first in PATH; gives the file in which it notes its calls."""

    def put(version: str = "1.2.3", before: str = "") -> Path:
        folder, calls = tmp_path / "bin", tmp_path / "calls"
        folder.mkdir(exist_ok=True)
        (folder / "go").write_text(GO.format(calls=calls, version=version, before=before))
        (folder / "go").chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")
        return calls

    return put


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    manifests = tmp_path / "manifests"
    manifests.mkdir()
    (manifests / "go.mod").write_text("module x\n\ngo 1.26.0\n")
    (manifests / "go.sum").write_text("")
    return Recipe("thing", str(manifests), "example.com/thing/cmd/thing", "1.2.3", "example.com/version.Version", "a,b")


@pytest.fixture
def builds(tmp_path: Path) -> Path:
    return tmp_path / "builds"


def quiet() -> Progress:
    return Progress("thing", io.StringIO())


class Machine:
    """A machine that has what it is given."""

    def __init__(self, go: str = "1.26.8", programs: tuple[str, ...] = ("gcc", "g++"), headers: tuple[str, ...] = ()):
        self._go = go
        self._programs = programs
        self._headers = headers

    def has_program(self, name: str) -> bool:
        return name in self._programs

    def go_version(self, folder: Path) -> str:
        return self._go

    def has_header(self, header: str) -> bool:
        return header in self._headers


def test_a_build_is_made_once(recipe: Recipe, builds: Path, fake_go: FakeGo) -> None:
    calls = fake_go()
    first = build(recipe, quiet(), builds)
    assert printed_version(first) == "1.2.3"
    assert build(recipe, quiet(), builds) == first
    assert len(calls.read_text().splitlines()) == 1
    assert calls.read_text().startswith(f"{recipe.folder}: build ")


def test_two_builders_at_once_build_once(recipe: Recipe, builds: Path, fake_go: FakeGo) -> None:
    calls = fake_go(before="sleep 0.2")
    threads = [threading.Thread(target=build, args=(recipe, quiet(), builds)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(calls.read_text().splitlines()) == 1


def test_a_failed_build_leaves_nothing_and_says_why(recipe: Recipe, builds: Path, fake_go: FakeGo) -> None:
    fake_go(before="echo 'missing go.sum entry' >&2; exit 7")
    with pytest.raises(BuildFailed, match="ended with 7") as failure:
        build(recipe, quiet(), builds)
    assert "missing go.sum entry" in str(failure.value)
    assert str(builds / "thing.log") in str(failure.value)
    assert not (builds / recipe.key).exists()
    fake_go()
    assert build(recipe, quiet(), builds).exists()


def test_a_binary_of_another_version_is_not_taken(recipe: Recipe, builds: Path, fake_go: FakeGo) -> None:
    fake_go(version="1.2.4")
    with pytest.raises(BuildFailed, match=r"says its version is 1\.2\.4, not 1\.2\.3"):
        build(recipe, quiet(), builds)
    assert not (builds / recipe.key).exists()


def test_what_an_ended_builder_left_is_not_taken_for_a_build(recipe: Recipe, builds: Path, fake_go: FakeGo) -> None:
    calls = fake_go()
    half = builds / ".staging-thing"
    half.mkdir(parents=True)
    (half / "thing").write_text("half")
    assert printed_version(build(recipe, quiet(), builds)) == "1.2.3"
    assert calls.exists()
    assert not half.exists()


def test_the_key_follows_everything_that_decides_a_build(recipe: Recipe) -> None:
    keys = {recipe.key, replace(recipe, version="1.2.4").key, replace(recipe, tags="").key}
    (recipe.folder / "go.sum").write_text("changed")
    keys.add(recipe.key)
    (recipe.folder / "main.go").write_text("package main")
    keys.add(recipe.key)
    assert len(keys) == 5


def test_the_command_sets_version_and_tags(recipe: Recipe) -> None:
    words = command(recipe, Path("/out/thing"))
    assert words[words.index("-tags") + 1] == "a,b"
    assert words[words.index("-ldflags") + 1] == "-s -w -X example.com/version.Version=1.2.3"
    assert words[-3:] == ["-o", "/out/thing", "example.com/thing/cmd/thing"]
    plain = command(replace(recipe, version_symbol="", tags=""), Path("/out/thing"))
    assert "-tags" not in plain
    assert plain[plain.index("-ldflags") + 1] == "-s -w"


def test_a_user_decides_where_modules_come_from_and_not_what_is_built(recipe: Recipe) -> None:
    given = {"GOPROXY": "kept", "HTTPS_PROXY": "kept", "GOFLAGS": "-mod=mod", "GOARCH": "mips", "CPATH": "/mine"}
    variables = environment(recipe, Path("/include"), given)
    assert variables["GOPROXY"] == variables["HTTPS_PROXY"] == "kept"
    assert "-mod=readonly" in variables["GOFLAGS"]
    assert "GOARCH" not in variables
    assert variables["CGO_ENABLED"] == "0"
    assert variables["CPATH"] == "/include:/mine"
    assert environment(replace(recipe, cgo=True), Path("/include"), {})["CGO_ENABLED"] == "1"


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("otelcol version 0.159.0", "0.159.0"),
        ("prometheus, version 3.16.0 (branch: , revision: unknown)\\n go version: go1.26.8", "3.16.0"),
        ("Warning: could not connect to a running Ollama instance\\nWarning: client version is 0.24.0", "0.24.0"),
        ("Redis server v=7.0.15 sha=00000000:0", "7.0.15"),
        ("Docker version 28.2.2, build 1", "28.2.2"),
        ("nothing to see", ""),
    ],
)
def test_versions_are_read(tmp_path: Path, said: str, version: str) -> None:
    program = tmp_path / "program"
    program.write_text(f'#!/bin/sh\nprintf "{said}"\n')
    program.chmod(0o755)
    assert printed_version(program) == version


def test_a_program_that_does_not_run_has_no_version(tmp_path: Path) -> None:
    assert printed_version(tmp_path / "nothing") == ""


def test_a_machine_with_everything_lacks_nothing() -> None:
    headers = tuple(header for recipe in RECIPES.values() for header, _ in recipe.headers)
    assert lacks(RECIPES.values(), Machine(headers=headers)) == []


def test_what_is_lacking_is_named_once_with_what_to_do() -> None:
    found = lacks(RECIPES.values(), Machine(go=""))
    assert [lack.what for lack in found] == ["Go", "the C header nlohmann/json.hpp", "the C header stb/stb_image.h"]
    assert "install Go" in found[0].advice
    assert str(found[1]) == "the C header nlohmann/json.hpp: on Debian: `apt-get install nlohmann-json3-dev`"
    assert [lack.package for lack in found] == ["", "nlohmann-json3-dev", "libstb-dev"]


def test_an_old_go_and_a_missing_compiler_are_named() -> None:
    found = lacks([RECIPES["ollama"]], Machine(go="1.19.8", programs=("gcc",)))
    assert [lack.what for lack in found] == [f"Go {needed_go(RECIPES['ollama'])}", "g++"]
    assert "1.19.8" in found[0].advice


def test_only_what_is_asked_for_is_needed() -> None:
    assert lacks([RECIPES["otelcol"]], Machine(programs=())) == []
    assert lacks([RECIPES["otelcol"]], Machine(go="1.27")) == []


def test_a_given_folder_comes_before_a_build_and_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake_go: FakeGo
) -> None:
    fake_go()
    monkeypatch.delenv("RAG_COMPONENTS_DIR", raising=False)
    assert find("go") == tmp_path / "bin" / "go"
    given = tmp_path / "given"
    given.mkdir()
    (given / "go").write_text("not executable")
    monkeypatch.setenv("RAG_COMPONENTS_DIR", str(given))
    assert find("go") == tmp_path / "bin" / "go"
    (given / "go").chmod(0o755)
    assert find("go") == given / "go"
    assert find("no-such-program") is None


def test_what_is_found_is_not_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], fake_go: FakeGo
) -> None:
    calls = fake_go()
    for name in RECIPES:
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("RAG_COMPONENTS_DIR", str(tmp_path))
    assert main([]) == 0
    assert capsys.readouterr().out.splitlines() == [f"{name}: {tmp_path / name}" for name in RECIPES]
    assert not calls.exists()


def test_the_list_shows_every_component(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("RAG_COMPONENTS_DIR", raising=False)
    assert main(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [*RECIPES, *OTHERS]


def test_an_unknown_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["grafana"])
    assert end.value.code == 2
    assert "grafana" in capsys.readouterr().err


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_manifests_pin_and_name_no_source(recipe: Recipe) -> None:
    module = (recipe.folder / "go.mod").read_text()
    assert (recipe.folder / "go.sum").stat().st_size > 0
    assert "replace" not in module
    assert "://" not in module
    assert built_folder(recipe).name == recipe.key
    if recipe.package != ".":
        # A module's version may be written otherwise than the program's: 3.16.0 is v0.316.0.
        major, minor, patch = recipe.version.split(".")
        written = {f"v{recipe.version}", f"v0.{major}{minor}.{patch}"}
        owner = "/".join(recipe.package.split("/")[:3])
        assert any(f"{owner} {version}" in module for version in written)


def test_the_collector_is_what_its_manifest_says() -> None:
    folder = RECIPES["otelcol"].folder
    manifest, module = (folder / "manifest.yaml").read_text(), (folder / "go.mod").read_text()
    generated = (folder / "components.go").read_text() + (folder / "main.go").read_text()
    wanted = [line.split("gomod: ")[1] for line in manifest.splitlines() if "gomod: " in line]
    assert len(wanted) > 20
    for one in wanted:
        assert f"\t{one}\n" in module, one
        assert f'"{one}"' in generated, one
    assert f'"{RECIPES["otelcol"].version}"' in generated
