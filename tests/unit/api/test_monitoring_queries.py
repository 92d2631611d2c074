"""Single requests over HTTP: recent ones, slow ones, and one in full."""

from dataclasses import replace

import pytest

from service.api.monitoring_answers import RecentShape, SlowListShape, TraceShape
from service.ask.types import Outcome, Stage
from service.auth.principal import Scope
from service.cache.port import CacheResult
from service.errors import ErrorKind, ServiceError
from service.monitoring.fault import judge
from service.monitoring.port import JudgedQuery, QueryRecord, Trace, TraceSource, TraceSpan
from tests.fakes.services import SMALL, FakeServices
from tests.unit.api.client import client_of, with_keys
from tests.unit.monitoring.records import hit, warm

ID = "0af7651916cd43dd8448eb211c80319c"
PAGE = "http://localhost:3001/trace/{trace_id}?x=1"


def judged(record: QueryRecord, **changes: object) -> JudgedQuery:
    return replace(judge(record, {}), **changes)  # type: ignore[arg-type]


async def test_recent_requests_newest_last_with_a_link() -> None:
    fakes = FakeServices()
    fakes.about = replace(fakes.about, trace_url=PAGE)
    fakes.monitor.records = [warm(trace_id="a1"), hit(), warm(outcome=Outcome.ERROR, error=ErrorKind.TIMEOUT)]
    async with client_of(fakes) as client:
        told = RecentShape.model_validate_json((await client.get("/monitoring/recent")).content)
        two = (await client.get("/monitoring/recent?count=2")).json()
    assert told.recent_times == [1.0, 0.002, 1.0]
    assert told.recent[0].trace_url == "http://localhost:3001/trace/a1?x=1"
    assert told.recent[1].trace_url is None
    assert (told.recent[1].cache, told.recent[2].error) == ("hit", "timeout")
    assert (told.recent[0].stage, told.recent[0].question) == ("generate", None)
    assert len(two["recent"]) == len(two["recent_times"]) == 2


async def test_recent_goes_on_with_what_was_asked_before_the_start() -> None:
    fakes = FakeServices()
    now = fakes.slow_log._clock.time()
    fakes.slow_log.queries = [judged(warm(at=now - age, trace_id=str(age))) for age in (9, 8, 2, 1)]
    fakes.monitor.records = [warm(at=now - 2, trace_id="2"), warm(at=now - 1, trace_id="1")]
    async with client_of(fakes) as client:
        three = (await client.get("/monitoring/recent?count=3")).json()["recent"]
        fakes.monitor.records = []
        restarted = (await client.get("/monitoring/recent?count=3")).json()["recent"]
    assert [one["trace_id"] for one in three] == ["8", "2", "1"]
    assert [one["trace_id"] for one in restarted] == ["8", "2", "1"]


@pytest.mark.parametrize(
    ("window", "seconds"), [("1h", 3600), ("90s", 90), ("15m", 900), ("7d", 604800), ("45", 45), ("1.5h", 5400)]
)
async def test_slow_requests_of_a_window(window: str, seconds: float) -> None:
    fakes = FakeServices()
    fakes.slow_log.queries = [JudgedQuery(warm(cold=True), "generate.load", 0.8, 0.8, 0.1, 0.02)]
    async with client_of(fakes) as client:
        reply = await client.get("/monitoring/slow", params={"window": window, "count": 5})
    told = SlowListShape.model_validate_json(reply.content)
    (slow,) = told.slow
    assert (slow.stage, slow.share, slow.cold, slow.model) == ("generate.load", 0.8, True, SMALL)
    assert (slow.usual_s, slow.spread_s, slow.usual_total_s) == (0.1, 0.02, None)
    assert (told.kept.records, told.kept.since_at, told.kept.problem) == (1, slow.at, None)
    assert fakes.slow_log.asked == [(seconds, 5)]


async def test_a_broken_disk_is_told_with_the_list() -> None:
    fakes = FakeServices()
    fakes.slow_log.problem = "the disk is full"
    async with client_of(fakes) as client:
        told = (await client.get("/monitoring/slow")).json()
    assert told["kept"] == {"since_at": None, "records": 0, "bytes": 0, "problem": "the disk is full"}


@pytest.mark.parametrize("path", ["slow", "recent"])
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", "abcd"),
        ("model=&stage=&outcome=&cache=", "abcd"),
        (f"model={SMALL}", "abc"),
        (f"model={SMALL}&model=none", "abcd"),
        ("model=none", "d"),
        ("outcome=error", "b"),
        ("outcome=error&outcome=ok", "abcd"),
        ("cache=hit", "c"),
        ("stage=generate", "a"),
        ("stage=retrieve&outcome=error", "b"),
        ("stage=retrieve&cache=hit", ""),
        ("model=other", ""),
    ],
)
async def test_filters_may_be_repeated_and_left_empty(path: str, query: str, found: str) -> None:
    fakes = FakeServices()
    records = [
        warm(trace_id="a", phases={"load": 0.5}),
        warm(trace_id="b", outcome=Outcome.ERROR, stages={Stage.RETRIEVE: 1.0}),
        hit(trace_id="c"),
        warm(trace_id="d", model=None, stages={Stage.EXTRACT: 1.0}),
    ]
    fakes.slow_log.queries = [judged(record) for record in records]
    fakes.monitor.records = records
    async with client_of(fakes) as client:
        told = (await client.get(f"/monitoring/{path}?{query}")).json()[path]
    assert "".join(sorted(one["trace_id"] for one in told)) == found


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("recent?count=0", "count"),
        ("recent?count=1001", "count"),
        ("recent?count=canary", "count"),
        ("slow?window=canary", "window"),
        ("slow?window=-1h", "window"),
        ("slow?window=0", "window"),
        ("slow?window=0.0s", "window"),
        ("slow?window=169h", "window"),
        ("slow?window=3650d", "window"),
        ("slow?count=x", "count"),
        ("slow?stage=canary", "stage"),
        ("slow?outcome=canary", "outcome.0"),
        ("recent?cache=canary", "cache.0"),
        ("slow?model=" + "canary" * 50, "model.0"),
        ("slow?" + "&".join(["model=canary"] * 21), "model"),
        ("traces/canary", "trace_id"),
        ("traces/" + "0" * 31, "trace_id"),
    ],
)
async def test_wrong_parameters_are_problems_without_an_echo(path: str, field: str) -> None:
    async with client_of(FakeServices()) as client:
        reply = await client.get(f"/monitoring/{path}")
    assert (reply.status_code, reply.json()["kind"]) == (422, "invalid_question")
    assert reply.json()["errors"][0]["field"] == field
    assert "canary" not in reply.text


async def test_a_window_that_is_too_long_says_how_long_it_may_be() -> None:
    async with client_of(FakeServices()) as client:
        assert "at most 7d" in (await client.get("/monitoring/slow?window=10d")).json()["detail"]


async def test_a_trace_with_its_record() -> None:
    fakes = FakeServices()
    fakes.about = replace(fakes.about, trace_url=PAGE)
    span = TraceSpan("POST /ask", "b7ad6b7169203331", "", 0.0, 1.2, "unset", "server", {"http.route": "/ask"})
    fakes.traces.traces[ID] = Trace(ID, TraceSource.TEMPO, 1.2, (span,), dropped=3)
    async with client_of(fakes) as client:
        alone = TraceShape.model_validate_json((await client.get(f"/monitoring/traces/{ID}")).content)
        fakes.slow_log.queries = [judged(warm(trace_id=ID, duration_s=1.1))]
        kept = (await client.get(f"/monitoring/traces/{ID.upper()}")).json()
        fakes.monitor.records = [warm(trace_id=ID, duration_s=1.2, cache=CacheResult.BYPASS)]
        fresh = (await client.get(f"/monitoring/traces/{ID}")).json()
    assert (alone.source, alone.duration_s, alone.dropped, alone.record) == ("tempo", 1.2, 3, None)
    assert (alone.spans[0].name, alone.spans[0].attributes) == ("POST /ask", {"http.route": "/ask"})
    assert alone.trace_url == f"http://localhost:3001/trace/{ID}?x=1"
    assert kept["record"]["duration_s"] == 1.1
    assert (fresh["record"]["duration_s"], fresh["record"]["cache"]) == (1.2, "bypass")


async def test_a_trace_that_is_not_there_and_a_store_that_is_away_are_problems() -> None:
    fakes = FakeServices()
    async with client_of(fakes) as client:
        unknown = await client.get(f"/monitoring/traces/{ID}")
        fakes.traces.errors = [ServiceError(ErrorKind.CONNECTION_ERROR, "Tempo is away")]
        away = await client.get(f"/monitoring/traces/{ID}")
    assert (unknown.status_code, unknown.json()["kind"]) == (404, "not_found")
    assert (away.status_code, away.json()["detail"]) == (503, "Tempo is away")


@pytest.mark.parametrize("path", ["recent", "slow", f"traces/{ID}", "usual", "live"])
async def test_a_key_needs_the_scope(path: str) -> None:
    fakes, gate = with_keys()
    fakes.traces.traces[ID] = Trace(ID, TraceSource.MEMORY, 0.0, ())
    async with client_of(fakes) as client:
        statuses = [
            (await client.get(f"/monitoring/{path}", headers=headers)).status_code
            for headers in ({}, gate.key(Scope.ASK), gate.key(Scope.MONITOR))
        ]
    assert statuses == [401, 403, 200]
