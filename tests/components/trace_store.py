"""Where traces end up: Tempo where there is one, else what the Collector sends to an OTLP sink in Tempo's place."""

from abc import ABC, abstractmethod
from collections.abc import Callable

import httpx
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from ops.stack.process import NotInTime, wait_until
from tests.components.spans import Span, from_protobuf
from tests.fakes.otlp_sink import OtlpSink

REQUEST_S = 10.0
# Tempo answers a search a second after it has cut a trace, which takes the tests' settings a second too.
ARRIVAL_S = 30.0
_MOST = 10_000


def whole(spans: list[Span]) -> bool:
    """Whether the server span is there, which ends last, and with it the parent of every span."""
    ids = {span["span_id"] for span in spans}
    return any(span["kind"] == "server" for span in spans) and all(
        span["parent_id"] in ids for span in spans if span["parent_id"]
    )


def tree(spans: list[Span]) -> dict[str, list[str]]:
    """Names of the children of every span, in order of their start; those of "" are the roots."""
    names = {span["span_id"]: span["name"] for span in spans}
    children: dict[str, list[str]] = {}
    for span in spans:
        children.setdefault(names.get(span["parent_id"], ""), []).append(span["name"])
    return children


class TraceStore(ABC):
    """What tests ask of a store of traces."""

    name: str

    @abstractmethod
    def spans(self, trace_id: str) -> list[Span]:
        """The spans of one trace that are there now, oldest first; a span that was sent twice is there twice."""

    @abstractmethod
    def search(self, *, root: str, environment: str) -> set[str]:
        """Ids of the traces that begin with a span of this name in this environment."""

    def trace(
        self, trace_id: str, until: Callable[[list[Span]], bool] = whole, timeout_s: float = ARRIVAL_S
    ) -> list[Span]:
        """The spans of one trace as soon as `until` holds for them (default: nothing is missing)."""
        found: list[Span] = []

        def arrived() -> bool:
            found[:] = self.spans(trace_id)
            return until(found)

        try:
            wait_until(arrived, timeout_s, f"trace {trace_id} in {self.name}")
        except NotInTime as error:
            raise AssertionError(f"{error}; arrived: {[span['name'] for span in found]}") from error
        return found


class SinkStore(TraceStore):
    """What a sink was sent by a Collector."""

    def __init__(self, sink: OtlpSink) -> None:
        self.name = "the sink"
        self.sink = sink
        self._read: list[Span] = []
        self._groups_read = 0

    def all(self) -> list[Span]:
        """Every span, in the order of arrival."""
        groups = self.sink.groups[self._groups_read :]
        self._groups_read += len(groups)
        self._read += from_protobuf(groups)
        return self._read

    def spans(self, trace_id: str) -> list[Span]:
        return sorted((span for span in self.all() if span["trace_id"] == trace_id), key=lambda span: span["start_ns"])

    def search(self, *, root: str, environment: str) -> set[str]:
        return {
            span["trace_id"]
            for span in self.all()
            if (span["name"], span["parent_id"]) == (root, "")
            and span["resource"].get("deployment.environment.name") == environment
        }


class TempoStore(TraceStore):
    """A real Tempo at `url`."""

    def __init__(self, url: str) -> None:
        self.name = "Tempo"
        self.url = url

    def spans(self, trace_id: str) -> list[Span]:
        reply = self._get(f"/api/traces/{trace_id}", {}, accept="application/protobuf")
        if reply.status_code == 404:
            return []
        assert reply.status_code == 200, f"{reply.request.url}: {reply.status_code} {reply.text}"
        # Tempo's own message has the same fields by the same numbers.
        groups = TracesData.FromString(reply.content).resource_spans
        return sorted(from_protobuf(groups), key=lambda span: span["start_ns"])

    def search(self, *, root: str, environment: str) -> set[str]:
        return self.search_for(
            f'{{ trace:rootName = "{root}" && resource.deployment.environment.name = "{environment}" }}'
        )

    def search_for(self, query: str) -> set[str]:
        """Ids of the recent traces that match a TraceQL query."""
        reply = self._get("/api/search", {"q": query, "limit": str(_MOST)}, accept="application/json")
        assert reply.status_code == 200, f"{reply.request.url}: {reply.status_code} {reply.text}"
        # Tempo leaves leading zeros out.
        return {found["traceID"].rjust(32, "0") for found in reply.json().get("traces", [])}

    def _get(self, path: str, parameters: dict[str, str], accept: str) -> httpx.Response:
        return httpx.get(
            self.url + path, params=parameters, headers={"accept": accept}, timeout=REQUEST_S, trust_env=False
        )
