"""The service put together in this process: what is given back, whatever happens."""

import asyncio
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.adapters import SCRIPTED_URL
from service.alert_receivers import AlertDelivery
from service.ask.types import Done, Mode, Question
from service.auth.gate import AutoGate, KeyGate
from service.auth.keys import KeyStore
from service.auth.principal import LOCAL, Scope
from service.bootstrap import open_running, open_services
from service.cache.port import CacheControl
from service.clock import SystemClock
from service.errors import NotFound, ServiceError
from service.monitoring.normal import ENOUGH
from service.services import Services
from service.settings import Auth, Ollama, Server, Settings, Traces
from service.store_swap import NEW, begin, beside, read
from tests.fakes.tempo import FakeTempo, sample_trace
from tests.fakes.waiting import until

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    documents = tmp_path / "documents"
    documents.mkdir()
    (documents / "gap.md").write_text("# Gaps\n\nA gap is a jump between two prices without a trade in between.\n")
    return Settings(
        environment="development",
        data_dir=tmp_path / "data",
        documents_dir=documents,
        ollama=Ollama(url=NOWHERE),
    )


async def answer(services: Services, text: str, cache: CacheControl = CacheControl()) -> Done:
    await until(lambda: services.corpus.state().documents > 0)
    async with asyncio.timeout(20):
        events = [event async for event in services.asker.ask(Question(text, cache=cache))]
    assert isinstance(events[-1], Done), events[-1]
    return events[-1]


async def test_it_answers_and_can_be_opened_again(settings: Settings) -> None:
    for _ in range(2):
        services = await open_services(settings)
        try:
            done = await answer(services, "What is a gap?")
            assert done.result.answer.mode is Mode.EXTRACTIVE
            assert done.result.answer.citations[0].source == "gap.md"
        finally:
            await services.close()


async def test_slow_queries_and_what_is_usual_outlive_the_process(settings: Settings) -> None:
    def scripted() -> Settings:
        return settings.model_copy(update={"ollama": Ollama(url=SCRIPTED_URL)})

    services = await open_services(scripted())
    try:
        afresh = CacheControl(no_cache=True)
        ids = [(await answer(services, "What is a gap?", afresh)).result.trace_id for _ in range(ENOUGH)]
        assert (await services.slow_log.kept()).records == ENOUGH
        assert (await services.traces.find(ids[0])).trace_id == ids[0]
    finally:
        await services.close()
    services = await open_services(scripted())
    try:
        assert services.monitor.recent(10) == ()
        (usual,) = services.monitor.usual().values()
        assert usual.total.n == ENOUGH
        found = await services.slow_log.slowest(3600, 100)
        assert {query.record.trace_id for query in found} == set(ids)
        assert {query.record.question for query in found} == {""}
        with pytest.raises(NotFound, match="RAG_TRACES__TEMPO_URL"):
            await services.traces.find(ids[0])
    finally:
        await services.close()


async def test_a_damaged_slow_log_keeps_nobody_from_answering(settings: Settings) -> None:
    settings.data_dir.mkdir(mode=0o700)
    (settings.data_dir / "slow-log.sqlite3").mkdir()
    services = await open_services(settings)
    try:
        done = await answer(services, "What is a gap?")
        assert done.result.answer.mode is Mode.EXTRACTIVE
        problems = {status.name: status.detail for status in await services.probes.check() if not status.ok}
        assert "cannot be written or read" in problems["slow_log"]
        assert len(await services.slow_log.slowest(60, 9)) == 1
    finally:
        await services.close()


async def test_content_reaches_the_slow_log_only_when_it_is_captured(settings: Settings) -> None:
    update = {"ollama": Ollama(url=SCRIPTED_URL), "capture_content": "SPAN_ONLY"}
    services = await open_services(settings.model_copy(update=update))
    try:
        await answer(services, "What is a gap?")
        (query,) = await services.slow_log.slowest(60, 9)
        assert query.record.question == "What is a gap?"
    finally:
        await services.close()


async def test_a_tempo_and_a_page_are_used_where_they_are_named(settings: Settings) -> None:
    with FakeTempo() as tempo:
        tempo.traces["a" * 32] = sample_trace("a" * 32)
        traces = Traces(tempo_url=tempo.url, page_url="http://localhost:3001/d/trace?var-traceId={trace_id}")
        services = await open_services(settings.model_copy(update={"traces": traces}))
        try:
            assert (await services.traces.find("a" * 32)).spans[0].name == "POST /ask"
            assert services.about.trace_url == traces.page_url
        finally:
            await services.close()


async def test_a_scripted_model_answers_under_the_configured_names(settings: Settings) -> None:
    services = await open_services(settings.model_copy(update={"ollama": Ollama(url=SCRIPTED_URL)}))
    try:
        done = await answer(services, "What is a gap?")
        assert (done.result.answer.mode, done.result.answer.model) == (Mode.GENERATED, settings.routing.models.simple)
    finally:
        await services.close()


async def test_a_restore_that_was_interrupted_is_finished_before_anything_is_opened(settings: Settings) -> None:
    services = await open_services(settings)
    await answer(services, "What is a gap?")
    await services.close()
    new = beside(settings.data_dir, NEW)
    new.mkdir(parents=True)
    (settings.data_dir / "corpus.sqlite3").rename(new / "corpus.sqlite3")
    (settings.data_dir / "corpus.sqlite3").write_bytes(b"what was to go")
    begin(settings.data_dir, None, "c1")
    services = await open_services(settings)
    try:
        assert services.corpus.state().documents == 1
    finally:
        await services.close()
    journal = read(settings.data_dir)
    assert journal is not None
    assert journal.checkpoint == "c1"


async def test_half_an_exchange_that_it_cannot_finish_is_refused_and_the_folder_given_back(settings: Settings) -> None:
    elsewhere = settings.data_dir.parent / "volume"
    for folder in (settings.data_dir, elsewhere):
        beside(folder, NEW).mkdir(parents=True)
    begin(settings.data_dir, elsewhere, "c1")
    for _ in range(2):
        with pytest.raises(ServiceError, match="emini-rag checkpoint recover"):
            await open_running(settings)


async def test_it_knows_whether_somebody_is_told_of_alerts(settings: Settings) -> None:
    for receivers, expected in ((None, AlertDelivery.OFF), ("", AlertDelivery.NOBODY), ("email", AlertDelivery.TOLD)):
        services = await open_services(settings.model_copy(update={"alert_receivers": receivers}))
        try:
            assert services.about.alerts is expected
        finally:
            await services.close()


async def test_a_scripted_model_is_refused_in_production(settings: Settings) -> None:
    update = {"ollama": Ollama(url=SCRIPTED_URL), "environment": "production"}
    with pytest.raises(ServiceError, match="made-up answers"):
        await open_running(settings.model_copy(update=update))


async def test_a_variable_of_opentelemetry_that_cannot_be_used_is_told(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "-5")
    with pytest.raises(ServiceError, match="OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"):
        await open_running(settings)


async def test_a_file_in_place_of_the_data_folder_is_told(settings: Settings) -> None:
    settings.data_dir.write_text("a file")
    with pytest.raises(ServiceError, match="cannot be written"):
        await open_running(settings)


async def test_a_failed_start_holds_nothing(settings: Settings) -> None:
    settings.data_dir.mkdir()
    broken = settings.data_dir / "corpus.sqlite3"
    broken.write_bytes(b"this is no database" * 100)
    with pytest.raises(ServiceError):
        await open_services(settings)
    broken.unlink()
    services = await open_services(settings)
    await services.close()


async def test_the_folder_is_held_while_it_runs(settings: Settings) -> None:
    services = await open_services(settings)
    try:
        with pytest.raises(ServiceError, match="is used by"):
            await open_services(settings)
    finally:
        await services.close()


async def test_a_public_address_without_keys_is_refused_before_anything_is_made(settings: Settings) -> None:
    public = settings.model_copy(update={"server": Server(host="0.0.0.0"), "auth": Auth(mode="auto")})
    with pytest.raises(ServiceError, match="emini-rag keys create"):
        await open_services(public)
    assert not (settings.data_dir / "corpus.sqlite3").exists()


async def test_a_container_is_as_open_as_the_address_that_its_port_is_published_on(settings: Settings) -> None:
    server = Server(host="0.0.0.0", published_on="127.0.0.1")
    services = await open_services(settings.model_copy(update={"server": server}))
    try:
        assert isinstance(services.gate, AutoGate)
        assert await services.gate.admit(None) is LOCAL
    finally:
        await services.close()
    server = Server(host="0.0.0.0", published_on="0.0.0.0")
    with pytest.raises(ServiceError, match="docker compose run"):
        await open_services(settings.model_copy(update={"server": server}))
    KeyStore(settings.keys_file, SystemClock()).create("web", [Scope.ASK])
    services = await open_services(settings.model_copy(update={"server": server}))
    try:
        assert isinstance(services.gate, KeyGate)
    finally:
        await services.close()


async def test_every_metric_shows_and_every_probe_answers(settings: Settings) -> None:
    running = await open_running(settings)
    services = running.services
    try:
        await answer(services, "What is a gap?")
        async with asyncio.timeout(10):
            while not all(status.ok for status in await services.probes.check() if status.required):
                await asyncio.sleep(0.05)
        page, _ = await services.exposition.render("")
        samples = [sample for family in text_string_to_metric_families(page.decode()) for sample in family.samples]
        values = {(sample.name, sample.labels.get("dependency")): sample.value for sample in samples}
        assert values["rag_dependency_up", "ollama"] == 0
        assert values["rag_corpus_documents", None] == 1
        assert {sample.labels["deployment_environment_name"] for sample in samples} == {"development"}
        assert {sample.labels["service_version"] for sample in samples} == {services.about.version}
    finally:
        await services.close()
