"""The alerts that are shipped, as Prometheus reads them."""

from functools import cache
from typing import Any

import yaml

from ops.stack.site import ROOT

RULES = ROOT / "prometheus" / "rules"


@cache
def rules(environment: str = "production") -> tuple[dict[str, Any], ...]:
    """Every rule of an environment, in the order of the files."""
    files = sorted((RULES / environment).glob("*.yml"))
    groups = [group for file in files for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]]
    return tuple(rule for group in groups for rule in group["rules"])


def alerts(environment: str = "production") -> dict[str, dict[str, Any]]:
    """Alerts by name."""
    return {rule["alert"]: rule for rule in rules(environment) if "alert" in rule}


def recorded(environment: str = "production") -> set[str]:
    """Names of recorded values."""
    return {rule["record"] for rule in rules(environment) if "record" in rule}
