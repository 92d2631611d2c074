"""A service that keeps every rule, and variations of it."""

from pathlib import Path
from typing import Any

from ops.compose.container import Container

DIGEST = "sha256:" + "5" * 64
VARIABLES = {"STORE_IMAGE": f"example/store:1.2.3@{DIGEST}"}


def good_body() -> dict[str, Any]:
    return {
        "image": "${STORE_IMAGE:?is set in .env}",
        "user": "10001:10001",
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "restart": "unless-stopped",
        "logging": {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}},
        "environment": {"MODE": "quiet", "ADMIN_PASSWORD__FILE": "/run/secrets/admin"},
        "volumes": [
            "store_data:/data",
            {
                "type": "bind",
                "source": "./store/store.yml",
                "target": "/etc/store.yml",
                "read_only": True,
                "bind": {"create_host_path": False},
            },
        ],
        "tmpfs": ["/tmp:size=16m,mode=1777"],  # in the container
        "ports": ["127.0.0.1:7000:7000"],
        "networks": ["internal"],
        "depends_on": {"prepare": {"condition": "service_completed_successfully"}},
        "healthcheck": {"test": ["CMD", "store", "health"]},
        "stop_grace_period": "15s",
        "mem_limit": "${STORE_MEMORY:-256m}",
        "pids_limit": 64,
        "cpus": 0.5,
    }


def sample(name: str = "store", root: Path = Path("/nowhere"), without: str = "", **changes: Any) -> Container:
    """The good service with `changes` laid over it, and without one key."""
    body = good_body() | changes
    body.pop(without, None)
    return Container(name, body, VARIABLES, root)
