"""What Prometheus has recorded."""

import json
from math import inf
from urllib.parse import parse_qs, urlsplit

import pytest

from ops.compare.recorded import Recorded, Span, selector
from service.cli.failures import USAGE, Failure
from service.telemetry import catalogue
from tests.fakes.http_listener import HttpListener, Request

SPAN = Span(end=10_000.0, blocks=10, block_s=60.0)


class Prometheus(HttpListener):
    """Answers a query by the first of `answers` whose word is in it; `asked` logs paths and parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: dict[str, list[dict[str, object]]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.stranger = False

    def get(self, request: Request) -> None:
        parts = urlsplit(request.path)
        given = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.asked.append((parts.path, given))
        result = next((found for word, found in self.answers.items() if word in given["query"]), [])
        told = {"hello": "world"} if self.stranger else {"status": "success", "data": {"result": result}}
        request.reply(200, json.dumps(told).encode())


def one(value: float, **labels: str) -> dict[str, object]:
    return {"metric": labels, "value": [10_000.0, str(value)]}


def row(*values: tuple[float, float], **labels: str) -> dict[str, object]:
    return {"metric": labels, "values": [[at, str(value)] for at, value in values]}


def test_options_become_selectors() -> None:
    assert selector("environment=production", "--baseline") == 'deployment_environment_name="production"'
    assert selector(" version = 0.2.0 , job=x", "--candidate") == 'service_version="0.2.0",job="x"'


@pytest.mark.parametrize("text", ["", "http://127.0.0.1:8001", "tenant=a", 'version="x"', "version=a,", "version"])
def test_what_is_no_selector_is_told_with_an_example(text: str) -> None:
    with pytest.raises(Failure, match="--baseline is no address") as caught:
        selector(text, "--baseline")
    assert caught.value.code == USAGE
    assert "--baseline environment=production" in caught.value.todo


def test_answers_come_in_blocks_by_tier() -> None:
    name = catalogue.ASK_DURATION.name
    with Prometheus() as server:
        server.answers = {
            f"{name}_count": [row((9460.0, 4.0), (9520.0, 0.0), (9580.0, float("nan")), tier="simple")],
            f"{name}_sum": [row((9460.0, 6.0), tier="simple")],
            f"{name}_bucket": [
                row((9460.0, 1.0), tier="simple", le="1.28"),
                row((9460.0, 4.0), tier="simple", le="+Inf"),
            ],
        }
        (found,) = Recorded(server.url).tiers('x="y"', SPAN)["simple"]
    assert (found.count, found.mean_s, found.buckets) == (4.0, 1.5, ((1.28, 1.0), (inf, 3.0)))
    path, given = server.asked[0]
    assert path == "/api/v1/query_range"
    assert (given["start"], given["end"], given["step"]) == ("9460.000", "10000.000", "60s")
    assert given["query"] == (
        f'sum by (tier) (increase({name}_count{{x="y",outcome=~"ok|degraded",cache!="hit",start="warm"}}[60s]))'
    )


def test_totals_are_of_everything_that_was_asked() -> None:
    ask, stage = catalogue.ASK_DURATION.name, catalogue.STAGE_DURATION.name
    with Prometheus() as server:
        server.answers = {
            f"{ask}_count": [
                one(10, outcome="ok", cache="miss", start="warm"),
                one(5, outcome="ok", cache="hit", start="warm"),
                one(2, outcome="error", cache="miss", start="cold"),
                one(1, outcome="no_context", cache="miss", start="warm"),
            ],
            f"{stage}_sum": [one(30, stage="generate"), one(1, stage="route")],
            f"{stage}_count": [one(10, stage="generate"), one(0, stage="route")],
            catalogue.INPUT_TOKENS.name: [one(1000)],
            catalogue.OUTPUT_TOKENS.name: [one(100)],
        }
        found = Recorded(server.url).totals('x="y"', SPAN)
    assert (found.asked, found.failed, found.answered, found.hits, found.cold) == (18, 2, 15, 5, 2)
    assert (found.input_tokens, found.output_tokens, found.stages_s) == (1000, 100, {"generate": 3.0})
    assert all(given["time"] == "10000.000" and "[600s]" in given["query"] for _, given in server.asked)


def test_no_answers_names_what_there_is() -> None:
    with Prometheus() as server:
        environment = {"deployment_environment_name": "production", "service_version": "0.1.0"}
        server.answers = {"last_over_time": [one(3, **environment)]}
        with pytest.raises(Failure, match="no answers of the candidate, version=9") as caught:
            Recorded(server.url).require({}, "candidate", "version=9", SPAN)
        assert caught.value.lines == ("it knows environment=production,version=0.1.0",)
        server.answers = {}
        with pytest.raises(Failure) as caught:
            Recorded(server.url).require({}, "candidate", "version=9", SPAN)
        assert caught.value.lines == ("it knows of no answers at all",)


def test_a_stranger_and_nobody_are_told() -> None:
    server = Prometheus()
    with server:
        server.stranger = True
        with pytest.raises(Failure, match="is not Prometheus"):
            Recorded(server.url).known()
    with pytest.raises(Failure, match="Prometheus does not answer"):
        Recorded(server.url).known()
