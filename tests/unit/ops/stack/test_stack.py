"""A whole stack of small programs: the order of start and end, and every way a start can fail."""

import errno
import os
import socket
from dataclasses import astuple, replace
from pathlib import Path

import pytest

from ops.stack.part import Part
from ops.stack.port_holder import is_taken
from ops.stack.ports import Ports
from ops.stack.site import ROOT
from ops.stack.stack import Stack, StackFailed, _told
from tests.fakes.stack_programs import FakePrograms
from tests.unit.ops.stack.samples import INHERITED, Answering, stack

ORDER = ["prometheus", "alertmanager", "tempo", "grafana", "ollama", "otelcol", "service"]


@pytest.fixture
def programs(tmp_path: Path) -> FakePrograms:
    return FakePrograms(tmp_path)


def nothing_runs(built: Stack) -> bool:
    return not any(part.running for part in built.parts.values()) and not any(map(is_taken, astuple(built.site.ports)))


def test_each_part_waits_for_the_one_before_and_the_end_is_the_other_way_round(
    tmp_path: Path, programs: FakePrograms
) -> None:
    slow = programs.extra(**{name: {"FAKE_SLOW_S": "0.05"} for name in ORDER})
    said: list[str] = []
    built = stack(tmp_path, programs, extra=slow, say=said.append)
    with built:
        assert list(built.parts) == ORDER
        assert all(part.running and part.ready for part in built.parts.values())
    started = [f"{name} {what}" for name in ORDER for what in ("starts", "ready")]
    assert programs.events == [*started, *(f"{name} ends" for name in reversed(ORDER))]
    assert nothing_runs(built)
    assert said[0] == "starting prometheus (metrics and alert rules)"
    assert said[-1] == "ending prometheus"


def test_the_same_stack_can_be_started_again(tmp_path: Path, programs: FakePrograms) -> None:
    built = stack(tmp_path, programs)
    with built:
        pass
    with built:
        built.kill()
        assert nothing_runs(built)
        built.start()
        assert built.parts["service"].ready


def test_a_part_that_fails_ends_the_others_and_is_told_with_its_last_words(
    tmp_path: Path, programs: FakePrograms
) -> None:
    built = stack(tmp_path, programs, extra=programs.extra(otelcol={"FAKE_SAYS": "cannot unmarshal the configuration"}))
    with pytest.raises(StackFailed) as failed:
        built.start()
    assert "otelcol ready" in str(failed.value)
    assert str(built.parts["otelcol"].log) in str(failed.value)
    assert str(failed.value).endswith("cannot unmarshal the configuration")
    assert "service starts" not in programs.events
    assert programs.events[-1] == "prometheus ends"
    assert nothing_runs(built)
    # The folder is free again.
    with stack(tmp_path, programs):
        pass


def test_every_taken_port_is_told_at_once_and_nothing_is_started(tmp_path: Path, programs: FakePrograms) -> None:
    built = stack(tmp_path, programs)
    ports = built.site.ports
    with (
        socket.create_server(("127.0.0.1", ports.prometheus)),
        socket.create_server(("127.0.0.1", ports.service_metrics)),
        pytest.raises(StackFailed) as failed,
    ):
        built.start()
    first, second, last = str(failed.value).splitlines()
    assert first.startswith(f"port {ports.prometheus}, which prometheus needs, is taken by ")
    assert second.startswith(f"port {ports.service_metrics}, which service needs, is taken by ")
    if Path("/proc/self/comm").exists():
        assert first.endswith(f"(process {os.getpid()})")
    assert last == "End what holds them; nothing was started."
    assert programs.events == []


def test_a_second_stack_in_the_folder_is_refused_and_the_first_goes_on(tmp_path: Path, programs: FakePrograms) -> None:
    with stack(tmp_path, programs) as first:
        second = stack(tmp_path, programs)
        with pytest.raises(StackFailed, match=rf"in use by another stack \(process {os.getpid()}\)"):
            second.start()
        second.stop()
        assert all(part.running for part in first.parts.values())
    with stack(tmp_path, programs):
        pass


def test_a_file_in_place_of_the_folder_is_told(tmp_path: Path, programs: FakePrograms) -> None:
    (tmp_path / "stack").touch()
    with pytest.raises(StackFailed) as failed:
        stack(tmp_path, programs)
    assert (
        str(failed.value)
        == f"{tmp_path / 'stack'}: is a file where a folder is needed; name another folder with --data"
    )


def test_a_checkout_that_lacks_a_file_is_told_from_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    for place, told in (
        (ROOT / "prometheus" / "prometheus.yml", "is not there; is the checkout complete?"),
        (tmp_path / "stack", "cannot be made there; name another folder with --data"),
    ):
        with pytest.raises(StackFailed) as failed, _told(tmp_path):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(place))
        assert str(failed.value) == f"{place}: {told}"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_told(tmp_path: Path, programs: FakePrograms) -> None:
    (tmp_path / "stack").mkdir(mode=0o500)
    with pytest.raises(StackFailed, match="this user may not write there"):
        stack(tmp_path, programs)


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (errno.EACCES, "this user may not write there; give it to them, or name another folder with --data"),
        (errno.ENOSPC, "the disk is full; make room, or name another folder with --data"),
        (errno.EROFS, "that disk is read-only; name another folder with --data"),
        (errno.EIO, os.strerror(errno.EIO)),
    ],
)
def test_what_the_system_refuses_is_told_with_the_place(number: int, told: str, tmp_path: Path) -> None:
    with pytest.raises(StackFailed) as named, _told(tmp_path):
        raise OSError(number, os.strerror(number), str(tmp_path / "there"))
    assert str(named.value) == f"{tmp_path / 'there'}: {told}"
    with pytest.raises(StackFailed) as unnamed, _told(tmp_path):
        raise OSError(number, os.strerror(number))
    assert str(unnamed.value) == f"{tmp_path}: {told}"


def test_what_is_not_found_is_absent_with_its_effect_and_remedy(tmp_path: Path) -> None:
    programs = FakePrograms(tmp_path, absent=("prometheus", "tempo"))
    built = stack(tmp_path, programs)
    assert list(built.parts) == [name for name in ORDER if name not in {"prometheus", "tempo"}]
    assert set(built.absent) == {"prometheus", "tempo"}
    assert "no alerts" in built.absent["prometheus"]
    assert "make components" in built.remedies["prometheus"]
    with built:
        assert built.parts["service"].ready


def test_what_is_not_wanted_is_not_looked_for(tmp_path: Path, programs: FakePrograms) -> None:
    def find(name: str) -> Path | None:
        assert name != "grafana"
        return programs.find(name)

    built = stack(tmp_path, programs, without=["grafana"], find_program=find)
    assert "grafana" not in built.parts
    assert built.remedies["grafana"] == "left out as asked"


@pytest.mark.parametrize(
    ("without", "receivers"),
    [([], "slack"), (["alertmanager"], ""), (["prometheus"], None), (["prometheus", "alertmanager"], None)],
)
def test_the_service_knows_who_is_told_of_alerts_by_the_parts_that_are_there(
    without: list[str], receivers: str | None, tmp_path: Path, programs: FakePrograms
) -> None:
    built = stack(tmp_path, programs, without=without, inherited={**INHERITED, "ALERT_RECEIVERS": "slack"})
    assert built.parts["service"].plan.environment.get("ALERT_RECEIVERS") == receivers


def test_a_service_alone_is_a_stack_too(tmp_path: Path, programs: FakePrograms) -> None:
    with stack(tmp_path, programs, without=ORDER[:-1]) as built:
        assert programs.events == ["service starts", "service ready"]
        assert "OTEL_EXPORTER_OTLP_ENDPOINT" not in built.parts["service"].plan.environment


def test_an_ollama_that_runs_already_is_used_and_not_ended(tmp_path: Path, programs: FakePrograms) -> None:
    ports = Ports.free()
    with Answering(ports.ollama):
        with stack(tmp_path, programs, ports=ports) as built:
            assert "ollama" not in built.parts
            assert "ollama" not in built.absent
            assert built.external == {"ollama": f"http://127.0.0.1:{ports.ollama}"}
            assert built.parts["service"].plan.environment["RAG_OLLAMA__URL"] == built.external["ollama"]
        assert is_taken(ports.ollama)
    assert "ollama starts" not in programs.events


@pytest.mark.parametrize("given", ["inherited", "extra"])
def test_a_model_server_that_is_named_is_used_as_it_is(given: str, tmp_path: Path, programs: FakePrograms) -> None:
    url = {"RAG_OLLAMA__URL": "http://gpu.example:11434"}
    fields = {"inherited": {**INHERITED, **url}} if given == "inherited" else {"extra": programs.extra(service=url)}
    built = stack(tmp_path, FakePrograms(tmp_path / "more", absent=("ollama",)), **fields)
    assert "ollama" not in built.parts
    assert "ollama" not in built.absent
    assert built.external == {"ollama": "http://gpu.example:11434"}
    assert built.parts["service"].plan.environment["RAG_OLLAMA__URL"] == "http://gpu.example:11434"


@pytest.mark.parametrize(
    ("absent", "url", "overlaid"),
    [((), "", False), (("tempo",), "", True), (("tempo",), "http://127.0.0.1:4444", False)],
)
def test_traces_go_into_a_file_only_where_nobody_takes_them(
    absent: tuple[str, ...], url: str, overlaid: bool, tmp_path: Path
) -> None:
    programs = FakePrograms(tmp_path, absent)
    built = stack(tmp_path, programs, extra=programs.extra(otelcol={"TEMPO_OTLP_URL": url} if url else {}))
    plan = built.parts["otelcol"].plan
    assert any(word.endswith("collector-file.yml") for word in plan.command) == overlaid
    assert plan.environment["TEMPO_OTLP_URL"] == url or not url


def test_an_interrupt_while_it_starts_ends_what_was_started(tmp_path: Path, programs: FakePrograms) -> None:
    def interrupted(line: str) -> None:
        if line.startswith("starting otelcol"):
            raise KeyboardInterrupt

    built = stack(tmp_path, programs, say=interrupted)
    with pytest.raises(KeyboardInterrupt):
        built.start()
    assert nothing_runs(built)
    assert programs.events[-1] == "prometheus ends"


def test_an_interrupt_while_it_ends_ends_the_rest_at_once(tmp_path: Path, programs: FakePrograms) -> None:
    def interrupted(line: str) -> None:
        if line == "ending ollama":
            raise KeyboardInterrupt

    built = stack(tmp_path, programs, say=interrupted)
    built.start()
    built.stop()
    assert nothing_runs(built)
    assert programs.events[-1] == "otelcol ends"


def test_one_that_does_not_end_keeps_none_of_the_others(tmp_path: Path, programs: FakePrograms) -> None:
    built = stack(tmp_path, programs, extra=programs.extra(tempo={"FAKE_STUBBORN": "1"}))
    built.parts["tempo"] = Part(replace(built.parts["tempo"].plan, grace_s=0.2))
    with built:
        pass
    assert "tempo is asked to end" in programs.events
    assert programs.events[-1] == "prometheus ends"
    assert nothing_runs(built)


def test_a_program_that_has_vanished_is_told(tmp_path: Path, programs: FakePrograms) -> None:
    built = stack(tmp_path, programs)
    (programs.folder / "alertmanager").unlink()
    with pytest.raises(StackFailed, match="alertmanager"):
        built.start()
    assert nothing_runs(built)
