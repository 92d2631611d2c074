"""What each part is started with: the shipped file, this installation's ports and folders, nothing open to others."""

import re
from dataclasses import astuple
from pathlib import Path

import pytest

from ops.stack import plans
from ops.stack.part import Plan
from ops.stack.ports import DEVELOPMENT
from ops.stack.site import ROOT, Site, local
from tests.unit.ops.stack.samples import INHERITED, site

PROGRAM = Path("/opt/vendor/bin/program")
NAMES = (*plans.FOUND, "otelcol", "service")


@pytest.fixture
def here(tmp_path: Path) -> Site:
    return site(tmp_path / "stack", ports=DEVELOPMENT, environment="development")


def every(here: Site) -> dict[str, Plan]:
    made = [make(here, PROGRAM) for make in plans.FOUND.values()]
    made += [plans.collector(here, PROGRAM, has_tempo=True), plans.service(here, beside={"otelcol"})]
    return {plan.name: plan for plan in made}


def test_every_part_that_can_be_missing_says_what_does_not_work_without_it() -> None:
    assert set(plans.WITHOUT) == {*plans.FOUND, "otelcol"}
    assert all(plans.WITHOUT.values())


def test_parts_have_their_own_names(here: Site) -> None:
    assert set(every(here)) == set(NAMES)


def test_every_port_of_the_installation_belongs_to_one_part(here: Site) -> None:
    held = [port for plan in every(here).values() for port in plan.ports]
    assert sorted(held) == sorted(astuple(DEVELOPMENT))


@pytest.mark.parametrize("name", NAMES)
def test_listens_on_loopback_at_its_own_ports_only(name: str, here: Site) -> None:
    plan = every(here)[name]
    addresses = [
        word
        for word in (*plan.command, *plan.environment.values())
        if re.search(r"(listen-address=|^)[\d.]+:\d+$", word)
    ]
    assert all("127.0.0.1:" in address for address in addresses)
    assert {int(address.rpartition(":")[2]) for address in addresses} <= set(plan.ports)
    assert plan.metrics_port in {0, *plan.ports}
    assert plan.url.startswith("http://127.0.0.1:")
    assert plan.ready.startswith("http://127.0.0.1:")


@pytest.mark.parametrize("name", NAMES)
def test_writes_below_the_folders_it_was_given(name: str, here: Site) -> None:
    plan = every(here)[name]
    known = (here.folder, here.data, here.documents, ROOT, PROGRAM.parent, PROGRAM.parent.parent)
    words = [word.rpartition("=")[2] for word in plan.command[1:]]
    words += [value for variable, value in plan.environment.items() if variable not in INHERITED]
    paths = [Path(word.removeprefix("$__file{").rstrip("}")) for word in words if "/" in word and "://" not in word]
    strays = [path for path in paths if not any(path.is_relative_to(folder) for folder in known)]
    assert not strays
    assert plan.folder.is_relative_to(here.folder)


@pytest.mark.parametrize("name", NAMES)
def test_configuration_files_are_there(name: str, here: Site) -> None:
    words = [word.rpartition("=")[2] for word in every(here)[name].command if "config" in word]
    files = [Path(word) for word in words if word.startswith(str(ROOT))]
    assert all(file.is_file() for file in files)
    assert bool(files) == (name in {"alertmanager", "tempo", "otelcol"})


@pytest.mark.parametrize("name", NAMES)
def test_what_is_set_for_one_part_is_set_last(name: str, tmp_path: Path) -> None:
    loud = site(tmp_path, extra={name: {"HOME": "/loud", "RAG_SERVER__PORT": "1"}}, inherited={"HOME": "/quiet"})
    assert every(loud)[name].environment["HOME"] == "/loud"
    assert {plan.environment["HOME"] for other, plan in every(loud).items() if other != name} == {"/quiet"}


def test_traces_go_to_tempo_or_where_there_is_none_into_a_file(here: Site) -> None:
    def configurations(*, has_tempo: bool) -> list[str]:
        return [Path(word).name for word in plans.collector(here, PROGRAM, has_tempo=has_tempo).command[1:]]

    assert configurations(has_tempo=True) == ["collector.yml"]
    assert configurations(has_tempo=False) == ["collector.yml", "collector-file.yml"]
    environment = plans.collector(here, PROGRAM, has_tempo=False).environment
    assert environment["TRACES_FILE"] == str(plans.traces_file(here))
    assert environment["TEMPO_OTLP_URL"] == f"http://127.0.0.1:{DEVELOPMENT.tempo_otlp_http}"


def test_variables_of_the_shipped_files_are_those_that_are_set(here: Site) -> None:
    set_here = every(here)
    for name, file in (("otelcol", "collector.yml"), ("tempo", "tempo.yml")):
        text = (ROOT / "otel" / file).read_text()
        addresses = set(re.findall(r"\$\{(?:env:)?(\w+(?:_PORT|_ENDPOINT|_URL|_DIR)):-", text))
        assert addresses <= set(set_here[name].environment), file


def test_the_service_sends_traces_only_where_somebody_takes_them(here: Site) -> None:
    sends = plans.service(here, beside={"otelcol"}).environment
    assert sends["OTEL_EXPORTER_OTLP_ENDPOINT"] == f"http://127.0.0.1:{DEVELOPMENT.otlp_http}"
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" not in plans.service(here).environment


def test_the_service_knows_who_is_told_of_alerts(tmp_path: Path) -> None:
    here = site(tmp_path, inherited={"ALERT_RECEIVERS": "slack"})
    assert plans.receivers(here) == plans.prometheus(here, PROGRAM).environment["ALERT_RECEIVERS"] == "slack"
    told = plans.service(here, beside={"prometheus", "alertmanager"}).environment
    assert told["ALERT_RECEIVERS"] == "slack"
    assert plans.service(here, beside={"prometheus"}).environment["ALERT_RECEIVERS"] == ""
    # Without alerts there is nothing to tell, whatever the user's shell says.
    assert "ALERT_RECEIVERS" not in plans.service(here).environment
    assert plans.receivers(site(tmp_path)) == ""


def test_the_service_looks_traces_up_in_what_runs_beside_it(tmp_path: Path) -> None:
    here = site(tmp_path)
    alone = plans.service(here, beside={"otelcol"}).environment
    assert not {name for name in alone if name.startswith("RAG_TRACES__")}
    stored = plans.service(here, beside={"tempo"}).environment
    assert stored["RAG_TRACES__TEMPO_URL"] == local(here.ports.tempo)
    assert "RAG_TRACES__PAGE_URL" not in stored
    shown = plans.service(here, beside={"tempo", "grafana"}).environment
    assert shown["RAG_TRACES__PAGE_URL"] == local(here.ports.grafana) + "/d/trace?var-traceId={trace_id}"


def test_the_service_knows_its_environment_folders_and_model_server(here: Site, tmp_path: Path) -> None:
    environment = plans.service(here).environment
    assert environment["ENVIRONMENT"] == "development"
    assert (environment["RAG_DATA_DIR"], environment["RAG_DOCUMENTS_DIR"]) == (str(here.data), str(here.documents))
    assert environment["RAG_OLLAMA__URL"] == f"http://127.0.0.1:{DEVELOPMENT.ollama}"
    elsewhere = site(tmp_path, inherited={"RAG_OLLAMA__URL": "http://gpu.example:11434"})
    assert plans.service(elsewhere).environment["RAG_OLLAMA__URL"] == "http://gpu.example:11434"


def test_relative_paths_in_the_users_settings_mean_what_they_mean_to_the_user(here: Site) -> None:
    assert plans.service(here).runs_in == Path.cwd()


def grafana_in(home: Path) -> Path:
    (home / "bin").mkdir(parents=True)
    (home / "conf").mkdir()
    (home / "conf" / "defaults.ini").touch()
    (home / "bin" / "grafana").touch()
    return home / "bin" / "grafana"


def test_an_unpacked_grafana_is_used_where_it_is_through_a_link_too(tmp_path: Path) -> None:
    unpacked, packaged = tmp_path / "unpacked", tmp_path / "packaged"
    program, _ = grafana_in(unpacked), grafana_in(packaged)
    link = tmp_path / "grafana"
    link.symlink_to(program)
    assert plans._grafana_itself(program, packaged) == (program, unpacked)
    assert plans._grafana_itself(link, packaged) == (link, unpacked)


def test_the_script_of_a_package_gives_way_to_the_program_in_its_home(tmp_path: Path) -> None:
    script, packaged = tmp_path / "usr" / "sbin" / "grafana", tmp_path / "packaged"
    assert plans._grafana_itself(script, packaged) == (script, tmp_path / "usr")
    program = grafana_in(packaged)
    assert plans._grafana_itself(script, packaged) == (program, packaged)


def test_grafanas_first_password_is_made_once_for_this_user_only(here: Site) -> None:
    file = plans.password_file(here)
    first = file.read_text()
    assert len(first) >= 20
    assert file.stat().st_mode & 0o777 == 0o600
    assert plans.password_file(here).read_text() == first
    assert f"$__file{{{file}}}" == plans.grafana(here, PROGRAM).environment["GF_SECURITY_ADMIN_PASSWORD"]


def test_a_password_that_was_not_written_whole_is_made_again(here: Site) -> None:
    file = plans.password_file(here)
    file.unlink()
    file.with_name(f".{file.name}.new").touch()
    assert len(plans.password_file(here).read_text()) >= 20
