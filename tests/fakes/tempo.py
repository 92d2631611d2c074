"""A Tempo that gives traces by id."""

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status, TracesData

from tests.fakes.http_listener import HttpListener, Request

_SECOND = 1_000_000_000


class FakeTempo(HttpListener):
    """Listens on `port`. `traces` are messages by id; `replies` (status, body) are used up first; `asked` logs
    paths."""

    def __init__(self) -> None:
        super().__init__()
        self.traces: dict[str, bytes] = {}
        self.replies: list[tuple[int, bytes]] = []
        self.asked: list[str] = []

    def get(self, request: Request) -> None:
        self.asked.append(request.path)
        found = self.traces.get(request.path.rpartition("/")[2])
        if self.replies:
            status, body = self.replies.pop(0)
            request.reply(status, body)
        elif found is None:
            request.reply(404, b"trace not found")
        else:
            request.reply(200, found, content_type="application/protobuf")


def sample_trace(trace_id: str) -> bytes:
    """Two spans, the later one first; the root holds attributes of every kind."""
    one, text = AnyValue(int_value=1), AnyValue(string_value="a")
    values = {
        "text": text,
        "number": AnyValue(int_value=3),
        "share": AnyValue(double_value=0.5),
        "flag": AnyValue(bool_value=True),
        "list": AnyValue(array_value=ArrayValue(values=[text, one])),
        "map": AnyValue(kvlist_value=KeyValueList(values=[KeyValue(key="k", value=one)])),
        "bytes": AnyValue(bytes_value=b"\xff"),
        "none": AnyValue(),
    }
    root = Span(
        trace_id=bytes.fromhex(trace_id),
        span_id=b"\x01" * 8,
        name="POST /ask",
        kind=Span.SPAN_KIND_SERVER,
        start_time_unix_nano=_SECOND,
        end_time_unix_nano=_SECOND * 7 // 2,
        status=Status(code=Status.STATUS_CODE_ERROR),
        attributes=[KeyValue(key=key, value=value) for key, value in values.items()],
    )
    child = Span(
        trace_id=bytes.fromhex(trace_id),
        span_id=b"\x02" * 8,
        parent_span_id=b"\x01" * 8,
        name="route",
        kind=Span.SPAN_KIND_INTERNAL,
        start_time_unix_nano=_SECOND * 3 // 2,
        end_time_unix_nano=_SECOND * 7 // 4,
    )
    groups = [ResourceSpans(scope_spans=[ScopeSpans(spans=[span])]) for span in (child, root)]
    return bytes(TracesData(resource_spans=groups).SerializeToString())
