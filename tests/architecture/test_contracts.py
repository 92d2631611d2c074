"""The import contracts of pyproject.toml hold, and each of them finds what it is for.

The samples are a made-up `service` of empty modules, checked by the project's own contracts.
"""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.architecture.rules.layering import SHARED
from tests.architecture.source import ROOT, sources

_SETTINGS = ROOT / "pyproject.toml"
_PROGRAM = Path(sys.executable).parent / "lint-imports"
_CONTRACTS = {
    contract["id"]: contract for contract in tomllib.loads(_SETTINGS.read_text())["tool"]["importlinter"]["contracts"]
}
_LAYERS = [name for layer in _CONTRACTS["direction"]["layers"] for name in layer.replace("|", ":").split(" : ")]
_MODULES = ("cache.memory", "cache.key", "retrieval.chroma", "telemetry.meters", "api.ask", "ask.pipeline", "cli.main")

# (importing module, its statement, the contract that it breaks)
BAD = [
    ("errors", "from service.cache.port import x", "direction"),
    ("cache.memory", "from service.ask.pipeline import x", "direction"),
    ("ask.pipeline", "from service.telemetry.meters import x", "direction"),
    ("monitoring.port", "from service.telemetry.meters import x", "direction"),
    ("api.ask", "from service.telemetry.meters import x", "direction"),
    ("telemetry.meters", "from service.api.ask import x", "direction"),
    ("telemetry.meters", "from service.bootstrap import x", "direction"),
    ("app", "from service.cli.main import x", "direction"),
    ("ollama", "from service.generation.port import x", "direction"),
    ("cache.memory", "from service.retrieval.chroma import x", "capabilities"),
    ("generation.port", "def f():\n    from service.cache.memory import x", "capabilities"),
    ("app", "import service.settings", "settings"),
    ("retrieval.chroma", "from service.settings import x", "settings"),
    ("cache.port", "import pydantic", "use-case"),
    ("ask.pipeline", "import chromadb", "use-case"),
    ("services", "from fastapi import FastAPI", "use-case"),
    # Not directly, but through a helper that is allowed by itself.
    ("cache.key", "import redis", "use-case"),
    ("retrieval.chroma", "from opentelemetry import trace", "untelemetered"),
    ("monitoring.port", "from starlette.requests import Request", "untelemetered"),
]
GOOD = [
    (
        "bootstrap",
        "from service.retrieval.chroma import x\nfrom service.settings import y\nimport service.telemetry.meters",
    ),
    ("cli.main", "from service.settings import x\nimport service.__main__\nimport typer"),
    (
        "telemetry.meters",
        "from service.ask.pipeline import x\nfrom service.services import y\nimport opentelemetry.trace",
    ),
    ("ask.pipeline", "from service.cache.key import x\nfrom service.generation.port import y"),
    ("generation.port", "from service.retrieval.port import x"),
    ("retrieval.chroma", "import chromadb\nfrom service.embedding.port import x\nfrom service.errors import y"),
]


def _write_service(folder: Path, imports: list[tuple[str, str]]) -> None:
    files = [*_LAYERS, *_MODULES]
    files += [f"{part}.port" for part in ("cache", "retrieval", "embedding", "generation", "monitoring")]
    packages = {name.rpartition(".")[0] for name in files if "." in name}
    for name in packages:
        (folder / "service" / name).mkdir(parents=True, exist_ok=True)
        (folder / "service" / name / "__init__.py").touch()
    (folder / "service" / "__init__.py").touch()
    for name in set(files) - packages:
        (folder / "service" / f"{name.replace('.', '/')}.py").touch()
    for name, statement in [("ask.pipeline", "import service.cache.key"), *imports]:
        with (folder / "service" / f"{name.replace('.', '/')}.py").open("a") as file:
            file.write(f"{statement}\n")


def _lint(folder: Path, *options: str) -> tuple[int, str]:
    command = [str(_PROGRAM), "--no-cache", "--config", str(_SETTINGS), *options]
    answer = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    return answer.returncode, answer.stdout + answer.stderr


def test_the_service_keeps_its_contracts() -> None:
    status, text = _lint(ROOT)
    assert status == 0, text


def test_allowed_imports_keep_every_contract(tmp_path: Path) -> None:
    _write_service(tmp_path, GOOD)
    status, text = _lint(tmp_path)
    assert status == 0, text


@pytest.mark.parametrize(("module", "statement", "contract"), BAD)
def test_a_forbidden_import_breaks_its_contract(tmp_path: Path, module: str, statement: str, contract: str) -> None:
    _write_service(tmp_path, [(module, statement)])
    status, text = _lint(tmp_path, "--contract", contract)
    assert status == 1, text
    assert f"{_CONTRACTS[contract]['name']} BROKEN" in text


def test_a_new_part_must_be_given_its_layer(tmp_path: Path) -> None:
    _write_service(tmp_path, [])
    (tmp_path / "service" / "plugins.py").touch()
    status, text = _lint(tmp_path, "--contract", "direction")
    assert status == 1, text
    assert "plugins" in text


def test_every_contract_has_a_sample_that_breaks_it() -> None:
    assert {contract for _, _, contract in BAD} == set(_CONTRACTS)


def test_every_part_is_under_the_settings_contract() -> None:
    parts = {source.name for source in sources("service") if source.name.count(".") == 1}
    may_read = {
        "service.__main__",
        "service.adapters",
        "service.bootstrap",
        "service.cli",
        "service.server",
        "service.settings",
    }
    assert parts - may_read <= set(_CONTRACTS["settings"]["source_modules"])


def test_both_kinds_of_check_share_the_same_helpers() -> None:
    ignored = {entry.removeprefix("service.** -> service.") for entry in _CONTRACTS["capabilities"]["ignore_imports"]}
    capabilities = {name.removeprefix("service.") for name in _CONTRACTS["capabilities"]["modules"]}
    assert ignored == {"*.port"} | {name for name in SHARED if name.partition(".")[0] in capabilities}
