"""The log of the way to the Collector: lost once, back once, and nothing of the vendor's own in between."""

import logging
from collections.abc import Iterator

import pytest

from service.telemetry.delivery import Delivery, reason_of, without_secrets
from tests.fakes.clock import ManualClock

SENDER = logging.getLogger("opentelemetry.exporter.otlp.proto.http.trace_exporter")
QUEUE = logging.getLogger("opentelemetry.sdk._shared_internal")
TRANSIENT = "Transient error %s encountered while exporting %s batch, retrying in %.2fs."
GIVEN_UP = "Failed to export %s batch due to timeout, max retries or shutdown."
REFUSED_BATCH = "Failed to export %s batch code: %s, reason: %s"
# As the client words them.
REFUSED = (
    "HTTPConnectionPool(host='127.0.0.1', port=4318): Max retries exceeded with url: /v1/traces (Caused by "
    "NewConnectionError(\"HTTPConnection(host='127.0.0.1', port=4318): Failed to establish a new connection: "
    '[Errno 111] Connection refused"))'
)
UNKNOWN = "Failed to resolve 'collector' ([Errno -2] Name or service not known)"
RESET = "('Connection aborted.', ConnectionResetError(104, 'Connection reset by peer'))"
NO_TLS = "(Caused by SSLError(SSLError(1, '[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)')))"
SLOW = "HTTPConnectionPool(host='127.0.0.1', port=4318): Read timed out. (read timeout=2.0)"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def delivery(clock: ManualClock, caplog: pytest.LogCaptureFixture) -> Iterator[Delivery]:
    with caplog.at_level(logging.INFO):
        delivery = Delivery("http://127.0.0.1:4318/v1/traces", clock)
        yield delivery
        delivery.detach()


def give_up(delivery: Delivery, error: object = None) -> None:
    """A batch that fails as the real exporter tells it."""
    SENDER.warning(TRANSIENT, error or ConnectionError(REFUSED), "spans", 0.9)
    SENDER.error(GIVEN_UP, "spans")
    delivery.failed()


def test_an_absent_collector_is_told_once_with_the_reason_and_what_to_do(
    delivery: Delivery, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(100):
        give_up(delivery)
        QUEUE.warning("Queue full, dropping %s.", "Span")
        clock.advance(30.0)

    (record,) = caplog.records
    assert record.levelname == "WARNING"
    for words in (
        "http://127.0.0.1:4318/v1/traces takes no traces (connection refused)",
        "counted in rag_trace_spans_total",
        "answers are not affected",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "emini-rag doctor",
    ):
        assert words in record.getMessage()
    assert record.exc_info is None


def test_its_return_is_told_once_and_then_it_may_be_lost_again(
    delivery: Delivery, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    delivery.succeeded()
    give_up(delivery)
    clock.advance(75)
    for _ in range(3):
        delivery.succeeded()
        clock.advance(40)
    give_up(delivery, "Service Unavailable")

    told = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert [level for level, _ in told] == ["WARNING", "INFO", "WARNING"]
    assert "takes traces again, after 75 s" in told[1][1]
    assert "(Service Unavailable)" in told[2][1]


def test_one_that_comes_and_goes_is_not_told_of_each_time(
    delivery: Delivery, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(60):
        give_up(delivery)
        clock.advance(1)
        delivery.succeeded()
        clock.advance(1)
    assert 2 <= len(caplog.records) <= 6


def test_without_a_word_of_the_exporters_the_reason_is_the_error_or_unknown(
    delivery: Delivery, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    delivery.failed("MemoryError")
    delivery.succeeded()
    clock.advance(100)
    SENDER.error(GIVEN_UP, "spans")
    delivery.failed()
    assert "(MemoryError)" in caplog.messages[0]
    assert "(not reached, or no answer in time)" in caplog.messages[2]


def test_a_batch_that_is_itself_at_fault_says_nothing_of_the_collector(
    delivery: Delivery, caplog: pytest.LogCaptureFixture
) -> None:
    SENDER.warning("Dropping span batch: serialized size %d bytes exceeds max_request_size %d bytes.", 9, 8)
    delivery.failed()
    assert caplog.messages == ["Dropping span batch: serialized size 9 bytes exceeds max_request_size 8 bytes."]


def test_a_queue_that_runs_over_beside_a_working_collector_is_told_now_and_then(
    delivery: Delivery, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    QUEUE.warning("Queue full, dropping %s.", "Span")
    assert caplog.messages == []  # not known yet whether anybody is there
    delivery.succeeded()
    for number in range(60):
        clock.advance(21)
        # The SDK holds back what it said in the last 20 s of real time.
        QUEUE.warning(f"Queue full, dropping %s {number}.", "Span")
    assert 2 <= len(caplog.messages) <= 3
    assert "OTEL_BSP_MAX_QUEUE_SIZE" in caplog.messages[0]


def test_what_breaks_inside_the_sdk_is_heard(delivery: Delivery, caplog: pytest.LogCaptureFixture) -> None:
    QUEUE.error("Exception while exporting %s.", "Span")
    assert caplog.messages == ["Exception while exporting Span."]


def test_detached_it_leaves_the_vendors_loggers_as_they_were(clock: ManualClock) -> None:
    before = (list(SENDER.filters), list(QUEUE.filters))
    delivery = Delivery("", clock)
    assert (list(SENDER.filters), list(QUEUE.filters)) != before
    delivery.detach()
    assert (list(SENDER.filters), list(QUEUE.filters)) == before


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ConnectionError(REFUSED), "connection refused"),
        (ConnectionError(UNKNOWN), "name or service not known"),
        (ConnectionError(RESET), "connection reset by peer"),
        (OSError(NO_TLS), "wrong version number"),
        (TimeoutError(SLOW), "no answer in time"),
        (ValueError("something with a secret in it"), "ValueError"),
        ("Service Unavailable", "Service Unavailable"),
    ],
)
def test_reasons(error: object, reason: str) -> None:
    def record(message: str, *args: object) -> logging.LogRecord:
        return logging.LogRecord(SENDER.name, logging.WARNING, "", 0, message, args, None)

    assert reason_of(record(TRANSIENT, error, "spans", 1.0)) == reason
    assert reason_of(record(REFUSED_BATCH, "spans", None, error)) == reason
    assert reason_of(record(REFUSED_BATCH, "spans", 404, "Not Found")) == "status 404, Not Found"
    assert reason_of(record(GIVEN_UP, "spans")) == ""


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://me:secret@collector:4318/v1/traces?key=secret", "http://collector:4318/v1/traces"),
        ("https://[::1]:4318/v1/traces", "https://[::1]:4318/v1/traces"),
        ("", ""),
        ("http://[::1", ""),
        ("collector:4318", ""),
    ],
)
def test_an_address_is_told_without_what_may_be_secret(url: str, told: str) -> None:
    assert without_secrets(url) == told
