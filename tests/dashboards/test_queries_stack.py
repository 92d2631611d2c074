"""What the queries about the stack answer: asked of the real engine, by promtool, over series that are made up."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import promql_parser
import pytest

from dashboards import queries_stack as stack
from prometheus import foreign
from prometheus.thresholds import load
from service.telemetry import catalogue as c
from tests.components.fixtures import require
from tests.dashboards.boards import read
from tests.dashboards.promql import filled, uses

LIMITS = load()
VALUES = {"environment": "production"}
E = 'deployment_environment_name="production"'
LATER = "10m"
RUN_S = 60.0
# name{labels} -> values in promtool's words, of a stack in which all is well.
WELL = {
    f'up{{{E},job="emini-rag"}}': "1x60",
    f'up{{{E},job="otelcol"}}': "1x60",
    f'up{{{E},job="tempo"}}': "1x60",
    f'{c.PROBLEMS.name}{{{E},problem="failed"}}': "0x60",
    f'{c.TRACE_SPANS.name}{{{E},result="failed"}}': "0x60",
    f"{foreign.SDK_CAPACITY}{{{E}}}": "2048x60",
    f"{foreign.COLLECTOR_MEMORY}{{{E}}}": "50000000x60",
    f"{foreign.COLLECTOR_QUEUE}{{{E}}}": "0x60",
    f"{foreign.COLLECTOR_CAPACITY}{{{E}}}": "20000x60",
    f"{foreign.PROMETHEUS_RULE_FAILURES}{{{E}}}": "0x60",
    f'{foreign.ALERTMANAGER_FAILED}{{{E},integration="webhook"}}': "0x60",
}
CHECKS = (
    "every part is scraped",
    "the service records what it should",
    "no span is lost in the service",
    "no span is lost in the Collector",
    "the Collector's queue has room",
    "Tempo answers",
    "rules are evaluated",
    "alerts are delivered",
)
# What goes wrong, and which checks say so.
FAULTS: Mapping[str, tuple[dict[str, str], set[str]]] = {
    "a part is away": ({f'up{{{E},job="otelcol"}}': "0x60"}, {CHECKS[0]}),
    "a label from outside": ({f'{c.PROBLEMS.name}{{{E},problem="failed"}}': "0+1x60"}, {CHECKS[1]}),
    "the Collector did not take spans": ({f'{c.TRACE_SPANS.name}{{{E},result="failed"}}': "0+1x60"}, {CHECKS[2]}),
    "no room in the service": ({f'{foreign.SDK_PROCESSED}{{{E},error_type="queue_full"}}': "0+1x60"}, {CHECKS[2]}),
    "the Collector has no memory": ({f"{foreign.COLLECTOR_REFUSED}{{{E}}}": "0+1x60"}, {CHECKS[3]}),
    "an export failed": ({f"{foreign.COLLECTOR_FAILED}{{{E}}}": "0+1x60"}, {CHECKS[3]}),
    "the queue ran over": ({f"{foreign.COLLECTOR_DROPPED}{{{E}}}": "0+1x60"}, {CHECKS[3]}),
    "the queue fills": ({f"{foreign.COLLECTOR_QUEUE}{{{E}}}": "15000x60"}, {CHECKS[4]}),
    "Tempo is away": ({f'up{{{E},job="tempo"}}': "0x60"}, {CHECKS[0], CHECKS[5]}),
    "a rule cannot be evaluated": ({f"{foreign.PROMETHEUS_RULE_FAILURES}{{{E}}}": "0+1x60"}, {CHECKS[6]}),
    "nobody is told": ({f'{foreign.ALERTMANAGER_FAILED}{{{E},integration="webhook"}}': "0+1x60"}, {CHECKS[7]}),
}
QUERIES = {
    "checks": stack.checks(LIMITS),
    "cores": stack.cores(),
    "memory": stack.memory(),
    "largest_metrics": stack.largest_metrics(),
    "sdk_dropped": stack.sdk_dropped(),
    "tempo_refused": stack.tempo_refused(),
    "collector_lost": stack.collector_lost(foreign.COLLECTOR_REFUSED),
    "queue_share": stack.queue_share(foreign.SDK_QUEUE, foreign.SDK_CAPACITY),
}


def holds(folder: Path, series: Mapping[str, str], query: str, expected: Mapping[str, float]) -> None:
    """promtool agrees that the query answers this after ten minutes: samples by the text of their labels."""
    test = {
        "evaluation_interval": "15s",
        "tests": [
            {
                "interval": "15s",
                "input_series": [{"series": name, "values": values} for name, values in series.items()],
                "promql_expr_test": [
                    {
                        "expr": filled(query, VALUES),
                        "eval_time": LATER,
                        "exp_samples": [{"labels": labels, "value": value} for labels, value in expected.items()],
                    }
                ],
            }
        ],
    }
    file = folder / "test.yml"
    file.write_text(json.dumps(test))  # JSON is YAML too
    command = [str(require("promtool")), "test", "rules", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def checked(broken: set[str], state: int = stack.BROKEN) -> dict[str, float]:
    return {f'{{check="{name}"}}': state if name in broken else stack.FINE for name in CHECKS}


@pytest.mark.parametrize("name", QUERIES)
def test_can_be_parsed(name: str) -> None:
    promql_parser.parse(filled(QUERIES[name], VALUES))


def test_all_checks_hold_while_all_is_well(tmp_path: Path) -> None:
    holds(tmp_path, WELL, stack.checks(LIMITS), checked(set()))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_breaks_its_check_and_no_other(fault: str, tmp_path: Path) -> None:
    changed, broken = FAULTS[fault]
    holds(tmp_path, WELL | changed, stack.checks(LIMITS), checked(broken))


def test_what_is_not_measured_is_not_fine(tmp_path: Path) -> None:
    holds(tmp_path, {}, stack.checks(LIMITS), checked(set(CHECKS), stack.UNKNOWN))


def test_another_environments_fault_is_not_ours(tmp_path: Path) -> None:
    theirs = {'up{deployment_environment_name="development",job="otelcol"}': "0x60"}
    holds(tmp_path, WELL | theirs, stack.checks(LIMITS), checked(set()))


def test_the_collector_is_among_the_parts_by_its_own_names(tmp_path: Path) -> None:
    series = {
        f'{foreign.CPU}{{{E},job="prometheus"}}': "0+30x60",
        f'{foreign.COLLECTOR_CPU}{{{E},job="otelcol"}}': "0+15x60",
    }
    # Rates are extrapolated, and not exact.
    holds(tmp_path, series, f"round({stack.cores()})", {'{job="prometheus"}': 2, '{job="otelcol"}': 1})


def test_only_one_panel_counts_series_of_every_name() -> None:
    nameless = {
        (board.name, panel.title)
        for board in read()
        for panel in board.panels
        for target in panel.targets
        if target.source.get("type") == "prometheus"
        for use in uses(promql_parser.parse(filled(target.expr, values(board.variables))))
        if not use.metric
    }
    assert nameless == {("telemetry", "Which metrics have most series")}


def values(variables: Mapping[str, object]) -> dict[str, str]:
    return dict.fromkeys(variables, "x") | {"stage": "generate"}
