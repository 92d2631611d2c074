"""Where an installation is: its folders, ports, environment, and what the user who starts it has set."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ops.stack.ports import Ports

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Site:
    """`folder` is for what the parts around the service keep and say; `data` is the service's own data folder.

    `receivers` holds the files that name who is told of alerts. `inherited` are the variables that parts start with,
    `extra` what is set last for single parts, by their names. `scrape_interval` replaces that of prometheus.yml,
    `rules` the folder of rules of the environment.
    """

    folder: Path
    ports: Ports
    environment: str
    data: Path
    documents: Path
    receivers: Path
    inherited: Mapping[str, str]
    extra: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    scrape_interval: str = ""
    rules: Path | None = None

    @property
    def named_model_server(self) -> str:
        """The address in RAG_OLLAMA__URL, which is used as it is; empty when none is named."""
        name = "RAG_OLLAMA__URL"
        return self.extra.get("service", {}).get(name) or self.inherited.get(name) or ""

    def variables(self, part: str, own: Mapping[str, object]) -> dict[str, str]:
        """The environment of one part."""
        given = {name: str(value) for name, value in own.items()}
        return {**self.inherited, **given, **self.extra.get(part, {})}


def local(port: int) -> str:
    """The address of a port of this machine."""
    return f"http://127.0.0.1:{port}"
