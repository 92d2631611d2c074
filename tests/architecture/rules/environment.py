"""The environment is read in one place, where every variable has a name, a type, a default and a description."""

import ast
from collections.abc import Iterator

from tests.architecture.rule import Rule, sample
from tests.architecture.source import Source, called

_READERS = ("service/settings.py",)
_NAMES = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}
_FILES = {"dotenv_values", "load_dotenv"}


def _check(source: Source) -> Iterator[tuple[int, str]]:
    if source.path in _READERS:
        return
    for node in ast.walk(source.tree):
        match node:
            case ast.Attribute(value=ast.Name(id="os"), attr=name) if name in _NAMES:
                yield node.lineno, f"os.{name}: a setting of service/settings.py, passed as a value, does this"
            case ast.ImportFrom(module="os", names=aliases) if {alias.name for alias in aliases} & _NAMES:
                yield node.lineno, "the environment is read in service/settings.py only"
            case ast.Call() if called(node) in _FILES:
                yield node.lineno, "settings come from the environment only"


ENVIRONMENT = Rule(
    "the environment is read in settings.py only",
    _check,
    good=(
        sample("service/settings.py", "import os\nhome = os.environ.get('RAG_DATA_DIR')"),
        sample("service/cache/sqlite.py", "import os\nsize = os.stat('x').st_size"),
        sample("service/api/health.py", "environment = services.about.environment"),
    ),
    bad=(
        sample("service/cache/sqlite.py", "import os\npath = os.environ['RAG_DATA_DIR']"),
        sample("service/bootstrap.py", "import os\npath = os.getenv('HOME')"),
        sample("service/telemetry/tracing.py", "from os import environ"),
        sample("service/app.py", "import os\ndef run() -> None:\n    os.putenv('A', 'b')"),
        sample("service/app.py", "from dotenv import load_dotenv\nload_dotenv()"),
    ),
    folders=("service",),
)
