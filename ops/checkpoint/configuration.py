"""The settings as they are resolved, with secrets by name only: that one is set, never what it is."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from ops.stack.site import ROOT
from service.settings import Settings, load_settings

_SECRET = re.compile(r"(SECRET|PASSWORD|PASSWD|CREDENTIAL|API_?KEY)|(KEY|TOKEN|HEADER)S?$", re.IGNORECASE)
_OURS = ("RAG_", "OTEL_", "OLLAMA_", "GF_", "CHROMA_")
_HIDDEN = "(set)"
_LONGEST_S = 60.0


def described(settings: Settings, variables: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Every setting by its path, the variables of the environment that are set, and the names of secrets that are."""
    variables = os.environ if variables is None else variables
    told = dict(_flat(settings.model_dump(mode="json")))
    typed = dict(_flat(settings.model_dump()))
    secrets = [name for name, value in typed.items() if hasattr(value, "get_secret_value") and told[name]]
    secrets += [name for name in variables if name.upper().startswith(_OURS) and _is_secret(name)]
    return {
        "settings": {name: _HIDDEN if name in secrets else without_password(value) for name, value in told.items()},
        "variables": sorted(name for name in variables if name.upper().startswith(_OURS)),
        "secrets": sorted(set(secrets)),
    }


def of_environment(variables: Mapping[str, str]) -> dict[str, Any]:
    """The same for a service that starts with these variables instead of those here; empty when it could not start."""
    ended = subprocess.run(
        [sys.executable, "-m", "ops.checkpoint.configuration"],
        env={**variables, "PATH": os.defpath, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=_LONGEST_S,
        check=False,
    )
    return dict(json.loads(ended.stdout)) if ended.returncode == 0 else {}


def without_secrets(told: Any) -> Any:
    """A configuration of any shape, such as Compose's, without what its names call secret and without passwords of
    addresses."""
    match told:
        case dict():
            return {
                name: _HIDDEN if value and isinstance(value, str) and _is_secret(name) else without_secrets(value)
                for name, value in told.items()
            }
        case list():
            return [_word(one) if isinstance(one, str) else without_secrets(one) for one in told]
        case _:
            return without_password(told)


def without_password(value: Any) -> Any:
    """The value; of an address, without who may use it."""
    if not isinstance(value, str) or "@" not in value or "://" not in value:
        return value
    try:
        parts = urlsplit(value)
    except ValueError:
        return _HIDDEN
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{_HIDDEN}@{place}")) if "@" in parts.netloc else value


def main() -> int:
    """Print it for the variables of this process."""
    sys.stdout.write(json.dumps(described(load_settings())))
    return 0


def _word(word: str) -> str:
    """One of a list: NAME=value is how environments are written too."""
    name, sign, value = word.partition("=")
    if sign and value and _is_secret(name):
        return f"{name}={_HIDDEN}"
    return str(without_password(word))


def _is_secret(name: str) -> bool:
    return _SECRET.search(name) is not None


def _flat(told: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in told.items():
        path = f"{above}.{name}" if above else name
        if isinstance(value, dict):
            yield from _flat(value, path)
        else:
            yield path, value


if __name__ == "__main__":
    sys.exit(main())
