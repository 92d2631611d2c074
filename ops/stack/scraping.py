"""Prometheus' folder of one installation: the shipped configuration beside the targets that it reads.

Prometheus knows no variables in its file, but reads targets from files beside it. So the shipped file is copied, and
only the targets are written anew, for the parts that run. It may read at any moment, so files are replaced whole.
"""

import json
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from ops.stack.part import Plan
from ops.stack.site import ROOT, Site
from service.whole_file import write_whole

_SHIPPED = ROOT / "prometheus"
_TIMES = ("scrape_interval", "evaluation_interval", "scrape_timeout")


def prepare(site: Site, plans: Iterable[Plan], shipped: Path = _SHIPPED) -> None:
    """Write the folder for these parts. Raises `FileNotFoundError` when the checkout lacks its configuration."""
    folder = site.folder / "prometheus"
    (folder / "targets").mkdir(parents=True, exist_ok=True)
    write_whole(
        folder / "prometheus.yml",
        _timed((shipped / "prometheus.yml").read_text(encoding="utf-8"), site.scrape_interval),
    )
    shutil.rmtree(folder / "rules", ignore_errors=True)
    shutil.copytree(site.rules or _rules_of(site.environment, shipped), folder / "rules")
    scraped = [plan for plan in plans if plan.metrics_port]
    around = [plan for plan in scraped if plan.name != "service"]
    write_whole(
        folder / "targets" / "service.yml", _targets(site, [plan for plan in scraped if plan.name == "service"])
    )
    write_whole(folder / "targets" / "stack.yml", _targets(site, around, named=True))
    write_whole(folder / "targets" / "gpu.yml", "[]")
    alertmanagers = [plan for plan in around if plan.name == "alertmanager"]
    write_whole(
        folder / "targets" / "alertmanagers.yml", json.dumps([{"targets": [_address(p)]} for p in alertmanagers])
    )


def _rules_of(environment: str, shipped: Path) -> Path:
    """An environment that has no rules of its own, such as staging, is watched as closely as production."""
    own = shipped / "rules" / environment
    return own if own.is_dir() else shipped / "rules" / "production"


def _timed(text: str, interval: str) -> str:
    """The configuration with other times where an interval is given; its comments stay."""
    for name in _TIMES if interval else ():
        text = re.sub(rf"^  {name}: \S+", f"  {name}: {interval}", text, count=1, flags=re.MULTILINE)
    return text


def _targets(site: Site, plans: Iterable[Plan], *, named: bool = False) -> str:
    groups = []
    for plan in plans:
        labels = {"deployment_environment_name": site.environment} | ({"job": plan.name} if named else {})
        groups.append({"targets": [_address(plan)], "labels": labels})
    return json.dumps(groups, indent=1)


def _address(plan: Plan) -> str:
    return f"127.0.0.1:{plan.metrics_port}"
