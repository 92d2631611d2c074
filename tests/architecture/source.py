"""The project's Python files as syntax trees: what the rules look at."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parents[2]
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """One Python file. `path` is relative to the root, with slashes: "service/cache/port.py"."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @property
    def name(self) -> str:
        """Dotted name: "service.cache.port"; a package's own file has the package's name."""
        return ".".join(part for part in PurePosixPath(self.path).with_suffix("").parts if part != "__init__")

    @property
    def package(self) -> str:
        """The part of the service it belongs to: "cache" of service/cache/port.py, "errors" of service/errors.py."""
        return self.name.split(".")[1] if "." in self.name else ""

    @property
    def stem(self) -> str:
        return PurePosixPath(self.path).stem

    @property
    def lines(self) -> int:
        return len(self.text.splitlines())

    @cached_property
    def imports(self) -> tuple[tuple[str, int], ...]:
        """Every module it imports, anywhere in the file, with the line; of `from a import b` it is "a.b"."""
        found: list[tuple[str, int]] = []
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found += [(alias.name, node.lineno) for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                start = "." * node.level + (node.module or "")
                found += [(f"{start}.{alias.name}", node.lineno) for alias in node.names]
        return tuple(found)

    @cached_property
    def functions(self) -> tuple[Function, ...]:
        return tuple(node for node in ast.walk(self.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))

    @cached_property
    def docstrings(self) -> frozenset[int]:
        """Identities of the constants that are docstrings: text for readers, not for the program."""
        owners = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        return frozenset(
            id(node.body[0].value)
            for node in ast.walk(self.tree)
            if isinstance(node, owners)
            and node.body
            and isinstance(node.body[0], ast.Expr)
            and isinstance(node.body[0].value, ast.Constant)
        )


def length(function: Function) -> int:
    """Lines from `def` to the end, decorators not counted."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


def called(node: ast.Call) -> str:
    """The last part of what is called: "start_span" of `tracer.start_span(...)`."""
    match node.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def sources(*folders: str) -> list[Source]:
    """Every Python file under the folders, sorted by path."""
    return [_read(path) for folder in folders for path in _python_files(ROOT / folder)]


def _python_files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*.py")) if "__pycache__" not in path.parts)


def _read(path: Path) -> Source:
    return Source(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
