"""The shipped configuration of Alertmanager: who is told of what, and what becomes of a fault."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from ops.stack import plans
from ops.stack.part import Part
from ops.stack.ports import Ports
from ops.stack.process import wait_until
from ops.stack.site import ROOT, Site
from service.alert_receivers import RECEIVERS
from service.telemetry.catalogue import CONSTANT_LABELS
from tests.components.alertmanager_api import AlertmanagerApi
from tests.components.fixtures import require
from tests.components.installation import hurried
from tests.fakes.webhook import Webhook

FILE = ROOT / "prometheus" / "alertmanager.yml"
PRODUCTION = {"deployment_environment_name": "production"}
TELL_S = 20.0
TOOL_S = 30


def _config() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return content


def _amtool(*words: str) -> subprocess.CompletedProcess[str]:
    command = [str(require("amtool")), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=TOOL_S, check=False)


def _told(**labels: str) -> set[str]:
    quoted = [f'{name}="{value}"' for name, value in labels.items()]
    run = _amtool("config", "routes", "test", f"--config.file={FILE}", *quoted)
    assert run.returncode == 0, run.stderr
    return set(run.stdout.strip().split(","))


@pytest.mark.real
def test_alertmanager_accepts_it() -> None:
    run = _amtool("check-config", str(FILE))
    assert run.returncode == 0, run.stdout + run.stderr
    assert "5 receivers" in run.stdout


@pytest.mark.real
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("group_wait: 30s", "group_waits: 30s"),
        ("receiver: slack", "receiver: slak"),
        ('notify=~"', 'notify=*"'),
        ("repeat_interval: 4h", "repeat_interval: often"),
        ("(.*,)? *slack", "(.*, *slack"),
    ],
)
def test_a_mistake_in_it_is_refused(right: str, wrong: str, tmp_path: Path) -> None:
    text = FILE.read_text(encoding="utf-8")
    assert right in text
    (tmp_path / "broken.yml").write_text(text.replace(right, wrong, 1), encoding="utf-8")
    run = _amtool("check-config", str(tmp_path / "broken.yml"))
    assert run.returncode != 0
    assert "FAILED" in run.stdout + run.stderr


@pytest.mark.real
@pytest.mark.parametrize(
    ("notify", "told"),
    [
        (None, {"nobody"}),
        ("", {"nobody"}),
        ("slack", {"slack"}),
        ("email", {"email"}),
        ("webhook", {"webhook"}),
        ("slack,webhook", {"slack", "webhook"}),
        ("email, slack , webhook", {"slack", "webhook", "email"}),
        ("slackish", {"nobody"}),
        ("myslack,webhooks", {"nobody"}),
        ("nobody", {"nobody"}),
        ("heartbeat", {"nobody"}),
    ],
)
def test_those_are_told_whom_prometheus_names(notify: str | None, told: set[str]) -> None:
    labels = {"alertname": "RagServiceDown", "severity": "page", **PRODUCTION}
    assert _told(**labels, **({} if notify is None else {"notify": notify})) == told


@pytest.mark.real
def test_what_only_explains_another_alert_is_told_to_nobody() -> None:
    labels = {"alertname": "RagStageRegression", "notify": "slack,webhook,email,heartbeat", **PRODUCTION}
    assert _told(**labels, severity="info") == {"nobody"}
    for severity in ("page", "ticket"):
        assert _told(**labels, severity=severity) == {"slack", "webhook", "email"}


@pytest.mark.real
@pytest.mark.parametrize(
    ("notify", "told"),
    [
        ("", "nobody"),
        ("slack,webhook,email", "nobody"),
        ("heartbeat", "heartbeat"),
        ("slack,heartbeat", "heartbeat"),
        ("heartbeats", "nobody"),
    ],
)
def test_the_watchdog_is_for_the_dead_mans_switch_alone(notify: str, told: str) -> None:
    assert _told(alertname="Watchdog", notify=notify, **PRODUCTION) == {told}


def test_addresses_and_passwords_are_files_that_the_readme_names() -> None:
    text = FILE.read_text(encoding="utf-8")
    named = set(re.findall(r"_file: (\S+)", text))
    assert named == {"receivers/heartbeat_url", "receivers/webhook_url", "receivers/slack_url"}
    readme = (FILE.parent / "receivers" / "README.md").read_text(encoding="utf-8")
    for path in named:
        assert f"`{Path(path).name}`" in readme
    assert not re.search(r"(?:password|url|token|key): \S", text.replace("url_file", "")), "a secret in the file"


def test_every_receiver_that_can_be_named_is_in_the_readme() -> None:
    readme = (FILE.parent / "receivers" / "README.md").read_text(encoding="utf-8")
    receivers = {one["name"] for one in _config()["receivers"]}
    assert set(re.findall(r"^\| `(\w+)` \|", readme, re.MULTILINE)) == receivers - {"nobody"}
    assert set(RECEIVERS) == receivers - {"nobody"}


def test_the_service_knows_the_file_of_each_receiver() -> None:
    for one in _config()["receivers"]:
        files = re.findall(r"_file': 'receivers/(\w+)'", str(one))
        assert files == [file for file in [RECEIVERS.get(one["name"], "")] if file]


def test_nothing_of_one_environment_silences_or_joins_what_is_of_another() -> None:
    environment = next(iter(CONSTANT_LABELS))
    assert environment in _config()["route"]["group_by"]
    for rule in _config()["inhibit_rules"]:
        assert environment in rule["equal"]


@pytest.mark.parametrize("file", ["docker-compose.yml", "docker-compose.dev.yml"])
def test_in_compose_it_runs_where_its_receivers_are(file: str) -> None:
    """It reads `receivers/...` in its working folder, which in the image is another one."""
    services = yaml.safe_load((ROOT / file).read_text(encoding="utf-8"))["services"]
    body = services["alertmanager" if file == "docker-compose.yml" else "alertmanager-dev"]
    assert body["working_dir"] == "/etc/alertmanager"
    volumes = [one if isinstance(one, str) else f"{one['source']}:{one['target']}" for one in body["volumes"]]
    assert any("/etc/alertmanager/receivers" in one for one in volumes)


def _site(folder: Path) -> Site:
    receivers = folder / "receivers"
    receivers.mkdir()
    return Site(folder, Ports.free(), "production", folder, folder, receivers, {})


@pytest.fixture(scope="module")
def webhook() -> Iterator[Webhook]:
    with Webhook() as running:
        yield running


@pytest.fixture(scope="module")
def part(webhook: Webhook, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Part]:
    """Alertmanager with the shipped configuration at the pace of tests; it has the file of one receiver only."""
    program, folder = require("alertmanager"), tmp_path_factory.mktemp("alertmanager")
    site = _site(folder)
    (site.receivers / "webhook_url").write_text(f"{webhook.url}\n")
    with hurried(Part(plans.alertmanager(site, program)), folder) as running:
        yield running


def _posts(webhook: Webhook, name: str) -> list[tuple[str, str]]:
    """Status and receiver of what was told of one alert."""
    return [(one["status"], one["receiver"]) for one in webhook.calls if one["commonLabels"]["alertname"] == name]


@pytest.mark.real
def test_an_alert_is_told_and_its_end_too(part: Part, webhook: Webhook) -> None:
    api = AlertmanagerApi(part.url)
    labels = {"alertname": "TestTold", "notify": "webhook", **PRODUCTION}
    api.fire(**labels)
    wait_until(lambda: _posts(webhook, "TestTold") == [("firing", "webhook")], TELL_S, "the alert is told")
    api.resolve(**labels)
    wait_until(lambda: ("resolved", "webhook") in _posts(webhook, "TestTold"), TELL_S, "its end is told")


def _failed(part: Part, integration: str) -> float:
    page = httpx.get(f"{part.url}/metrics", timeout=10, trust_env=False).text
    pattern = rf'^alertmanager_notifications_failed_total{{.*integration="{integration}".*}} (\S+)$'
    return sum(float(value) for value in re.findall(pattern, page, re.MULTILINE))


@pytest.mark.real
def test_a_receiver_without_its_file_is_told_of_in_the_log_and_counted(part: Part, webhook: Webhook) -> None:
    AlertmanagerApi(part.url).fire(alertname="TestNoFile", notify="slack,webhook", **PRODUCTION)
    wait_until(lambda: _failed(part, "slack") > 0, TELL_S, "the failure is counted")
    assert "open receivers/slack_url: no such file or directory" in part.log.read_text()
    assert _failed(part, "webhook") == 0
    wait_until(lambda: _posts(webhook, "TestNoFile") != [], TELL_S, "the other receiver is told all the same")


@pytest.mark.real
def test_a_file_that_comes_later_is_read_without_a_restart(part: Part) -> None:
    receivers = part.plan.runs_in
    assert receivers is not None
    with Webhook() as late:
        (receivers / "receivers" / "heartbeat_url").write_text(late.url)
        AlertmanagerApi(part.url).fire(alertname="Watchdog", notify="heartbeat", **PRODUCTION)
        wait_until(lambda: _posts(late, "Watchdog") != [], TELL_S, "the switch is called at once")
