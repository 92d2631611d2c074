"""How a file looks: its name, its size, its documentation and its types."""

import ast
from collections.abc import Iterator

from tests.architecture.rule import Rule, sample
from tests.architecture.source import Source, length

FILE_LINES = 400
FUNCTION_LINES = 60
_EMPTY_WORDS = {"util", "utils", "helper", "helpers", "common", "manager", "base", "misc"}


def _is_named(source: Source) -> Iterator[tuple[int, str]]:
    for part in source.path.removesuffix(".py").split("/"):
        if _EMPTY_WORDS & set(part.lower().split("_")):
            yield 1, f"{part!r} says nothing: name what it holds"


def _is_small(source: Source) -> Iterator[tuple[int, str]]:
    if source.lines > FILE_LINES:
        yield source.lines, f"{source.lines} lines, more than {FILE_LINES}"
    for function in source.functions:
        if length(function) > FUNCTION_LINES:
            yield function.lineno, f"{function.name} has {length(function)} lines, more than {FUNCTION_LINES}"


def _is_documented(source: Source) -> Iterator[tuple[int, str]]:
    if source.stem == "__init__":
        return
    if not ast.get_docstring(source.tree):
        yield 1, "the module has no docstring"
    for node in source.tree.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_") and not ast.get_docstring(node):
            yield node.lineno, f"class {node.name} has no docstring"


def _is_typed(source: Source) -> Iterator[tuple[int, str]]:
    for function in source.functions:
        if function.returns is None:
            yield function.lineno, f"{function.name} says no return type"


def _init_is_empty(source: Source) -> Iterator[tuple[int, str]]:
    if source.stem == "__init__" and source.text.strip():
        yield 1, "__init__.py files are empty: an import has no effects and names have one place"


def _has_no_middleware_of_starlette(source: Source) -> Iterator[tuple[int, str]]:
    for node in ast.walk(source.tree):
        match node:
            case ast.Name(id="BaseHTTPMiddleware") | ast.Attribute(attr="BaseHTTPMiddleware"):
                yield node.lineno, "BaseHTTPMiddleware breaks streaming and contexts: write plain ASGI"
            case ast.alias(name="BaseHTTPMiddleware"):
                yield node.lineno, "BaseHTTPMiddleware breaks streaming and contexts: write plain ASGI"
            case ast.Call(func=ast.Attribute(attr="middleware"), args=[ast.Constant(value="http"), *_]):
                yield node.lineno, "@app.middleware is a BaseHTTPMiddleware: write plain ASGI"


_LONG_FUNCTION = "def f() -> None:\n" + "    x = 1\n" * FUNCTION_LINES
NAMES = Rule(
    "module names say what they hold",
    _is_named,
    good=(
        sample("service/cache/memory.py", ""),
        sample("service/retrieval/database.py", ""),
        sample("service/ask/types.py", ""),
    ),
    bad=(
        sample("service/cache/utils.py", ""),
        sample("service/common/text.py", ""),
        sample("service/ask/cache_manager.py", ""),
        sample("service/routing/base.py", ""),
        sample("ops/stack_helpers.py", ""),
    ),
)
SIZES = Rule(
    f"no file has more than {FILE_LINES} lines and no function more than {FUNCTION_LINES}",
    _is_small,
    good=(
        sample("service/ask/a.py", "x = 1\n" * FILE_LINES),
        sample("service/ask/a.py", _LONG_FUNCTION.removesuffix("    x = 1\n")),
    ),
    bad=(
        sample("service/ask/a.py", "x = 1\n" * (FILE_LINES + 1)),
        sample("service/ask/a.py", _LONG_FUNCTION),
        sample("service/ask/a.py", _LONG_FUNCTION.replace("def", "async def")),
    ),
)
DOCSTRINGS = Rule(
    "modules and public classes have a docstring",
    _is_documented,
    good=(
        sample("service/cache/a.py", '"""What it is."""\nclass _Inner:\n    x = 1'),
        sample("service/cache/a.py", '"""What it is."""\nclass Outer:\n    """What it owns."""'),
        sample("service/cache/__init__.py", ""),
    ),
    bad=(
        sample("service/cache/a.py", "x = 1"),
        sample("service/cache/a.py", '"""What it is."""\nclass Outer:\n    x = 1'),
    ),
)
RETURN_TYPES = Rule(
    "every function says its return type",
    _is_typed,
    good=(sample("service/ask/a.py", "class A:\n    def f(self) -> int:\n        return 1"),),
    bad=(
        sample("service/ask/a.py", "class A:\n    def __init__(self):\n        self.x = 1"),
        sample("service/ask/a.py", "def f() -> None:\n    async def inner():\n        pass"),
    ),
)
EMPTY_INITS = Rule(
    "__init__.py files are empty",
    _init_is_empty,
    good=(sample("service/cache/__init__.py", ""), sample("service/cache/port.py", "x = 1")),
    bad=(
        sample("service/cache/__init__.py", "from service.cache.port import Cache"),
        sample("tests/__init__.py", '"""Tests."""'),
    ),
    folders=("service", "ops", "tests"),
)
PLAIN_ASGI = Rule(
    "no BaseHTTPMiddleware",
    _has_no_middleware_of_starlette,
    good=(
        sample("service/app.py", "app.add_middleware(BodyLimit, limit=1)"),
        sample("service/telemetry/asgi.py", '"""Not a BaseHTTPMiddleware."""'),
    ),
    bad=(
        sample("service/app.py", "from starlette.middleware.base import BaseHTTPMiddleware"),
        sample("service/app.py", "class A(middleware.BaseHTTPMiddleware): ..."),
        sample("service/app.py", "@app.middleware('http')\nasync def f(request, call_next) -> None: ..."),
    ),
)
