"""How each part is run natively, with the shipped configuration; what does not work without it.

Ports and folders come from the site; the files are those that Compose mounts.
"""

import secrets
import sys
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from ops.stack.part import Plan
from ops.stack.site import ROOT, Site, local
from service.whole_file import write_whole

OTEL = ROOT / "otel"
# Where the packages of Grafana's makers put it.
_GRAFANA = Path("/usr/share/grafana")
_RECEIVERS, _ADMIN_API = "ALERT_RECEIVERS", "PROMETHEUS_ADMIN_API"
# How the Collector says that it cannot read its own queue: a disk that lies, a file that was cut short.
_DAMAGED_QUEUE = ("invalid database", "go.etcd.io/bbolt")
_MOVE_ASIDE = "The Collector's queue is damaged: move {} aside and start again. Traces that waited in it are lost."


def receivers(site: Site) -> str:
    """Who is told of alerts, as Prometheus is started with it."""
    return site.variables("prometheus", {}).get(_RECEIVERS, "")


def prometheus(site: Site, program: Path) -> Plan:
    """Metrics, alert rules, exemplars."""
    folder, port = site.folder / "prometheus", site.ports.prometheus
    return Plan(
        "prometheus",
        "metrics and alert rules",
        (
            str(program),
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--web.enable-remote-write-receiver",  # Tempo writes the service graph
            f"--web.user-assets={ROOT / 'prometheus' / 'user'}",  # the runbook lies there; alerts link to it
            "--enable-feature=exemplar-storage",
            # As in docker-compose.yml: --web.enable-admin-api for as long as a checkpoint needs it.
            site.variables("prometheus", {}).get(_ADMIN_API) or "--no-web.enable-admin-api",
        ),
        site.variables(
            "prometheus",
            {
                "GRAFANA_URL": local(site.ports.grafana),
                "RUNBOOK_URL": local(port) + "/user/runbook.html",
            },
        ),
        folder,
        local(port),
        local(port) + "/-/ready",
        (port,),
        start_s=60.0,  # after a crash it reads what it had not yet put into blocks
        grace_s=20.0,
        metrics_port=port,
    )


def alertmanager(site: Site, program: Path) -> Plan:
    """Who is told of which alert."""
    port = site.ports.alertmanager
    return Plan(
        "alertmanager",
        "who is told of alerts",
        (
            str(program),
            f"--config.file={ROOT / 'prometheus' / 'alertmanager.yml'}",
            f"--storage.path={site.folder / 'alertmanager' / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",  # one instance has nobody to gossip with
        ),
        site.variables("alertmanager", {}),
        site.folder / "alertmanager",
        local(port),
        local(port) + "/-/ready",
        (port,),
        metrics_port=port,
        runs_in=site.receivers.parent,  # where it looks for receivers/...
    )


def tempo(site: Site, program: Path) -> Plan:
    """The store of traces."""
    ports = site.ports
    return Plan(
        "tempo",
        "store of traces",
        (str(program), f"-config.file={OTEL / 'tempo.yml'}", "-config.expand-env=true"),
        site.variables(
            "tempo",
            {
                "TEMPO_HTTP_PORT": ports.tempo,
                "TEMPO_GRPC_PORT": ports.tempo_grpc,
                "TEMPO_OTLP_HTTP_ENDPOINT": f"127.0.0.1:{ports.tempo_otlp_http}",
                "TEMPO_MEMBERLIST_PORT": ports.tempo_memberlist,
                "TEMPO_DATA_DIR": site.folder / "tempo" / "data",
                "PROMETHEUS_URL": local(ports.prometheus),
            },
        ),
        site.folder / "tempo",
        local(ports.tempo),
        local(ports.tempo) + "/ready",
        (ports.tempo, ports.tempo_grpc, ports.tempo_otlp_http, ports.tempo_memberlist),
        start_s=60.0,
        grace_s=35.0,  # it leaves its ring and writes what it holds
        metrics_port=ports.tempo,
    )


def collector(site: Site, program: Path, *, has_tempo: bool) -> Plan:
    """The way of the traces: to Tempo, or into a file where there is none."""
    ports, folder = site.ports, site.folder / "collector"
    files = [OTEL / "collector.yml"] + ([] if has_tempo else [OTEL / "collector-file.yml"])
    return Plan(
        "otelcol",
        "takes traces from the service",
        (str(program), *(f"--config={file}" for file in files)),
        site.variables(
            "otelcol",
            {
                "OTLP_GRPC_ENDPOINT": f"127.0.0.1:{ports.otlp_grpc}",
                "OTLP_HTTP_ENDPOINT": f"127.0.0.1:{ports.otlp_http}",
                "COLLECTOR_METRICS_PORT": ports.collector_metrics,
                "COLLECTOR_HEALTH_ENDPOINT": f"127.0.0.1:{ports.collector_health}",
                "COLLECTOR_QUEUE_DIR": folder / "queue",
                "TEMPO_OTLP_URL": local(ports.tempo_otlp_http),
                "TRACES_FILE": traces_file(site),
            },
        ),
        folder,
        local(ports.otlp_http),
        local(ports.collector_health),
        (ports.otlp_grpc, ports.otlp_http, ports.collector_metrics, ports.collector_health),
        grace_s=15.0,
        metrics_port=ports.collector_metrics,
        remedies=dict.fromkeys(_DAMAGED_QUEUE, _MOVE_ASIDE.format(folder / "queue")),
    )


def traces_file(site: Site) -> Path:
    """Where traces are when there is no Tempo."""
    return site.folder / "collector" / "traces.jsonl"


def grafana(site: Site, program: Path) -> Plan:
    """Dashboards. The first start takes the password from a file that only this user can read."""
    port, folder = site.ports.grafana, site.folder / "grafana"
    program, home = _grafana_itself(program)
    return Plan(
        "grafana",
        "dashboards",
        (str(program), "server", f"--homepath={home}"),
        site.variables(
            "grafana",
            {
                "PROMETHEUS_URL": local(site.ports.prometheus),
                "TEMPO_URL": local(site.ports.tempo),
                "ALERTMANAGER_URL": local(site.ports.alertmanager),
                "DASHBOARDS_DIR": ROOT / "dashboards" / "json",
                "GF_PATHS_PROVISIONING": ROOT / "dashboards" / "provisioning",
                "GF_PATHS_DATA": folder / "data",
                "GF_PATHS_LOGS": folder / "logs",
                "GF_PATHS_PLUGINS": folder / "plugins",
                "GF_SERVER_HTTP_ADDR": "127.0.0.1",
                "GF_SERVER_HTTP_PORT": port,
                "GF_SECURITY_ADMIN_PASSWORD": f"$__file{{{password_file(site)}}}",
                # The rest as in docker-compose.yml: nothing is fetched, sent or open.
                "GF_SECURITY_DISABLE_GRAVATAR": "true",
                "GF_USERS_ALLOW_SIGN_UP": "false",
                "GF_PLUGINS_PREINSTALL_DISABLED": "true",
                "GF_ANALYTICS_REPORTING_ENABLED": "false",
                "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
                "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES": "false",
                "GF_LOG_MODE": "console",
            },
        ),
        folder,
        local(port),
        local(port) + "/api/health",
        (port,),
        start_s=120.0,  # the first start makes its database
        metrics_port=port,
    )


def _grafana_itself(found: Path, packaged: Path = _GRAFANA) -> tuple[Path, Path]:
    """The program and its home. What a package puts into PATH is a script that brings the configuration and the folders
    of the system's own Grafana; the program lies in its home, as it does when it is unpacked."""
    home = found.resolve().parents[1]
    if not (home / "conf" / "defaults.ini").is_file() and (packaged / "bin" / "grafana").is_file():
        return packaged / "bin" / "grafana", packaged
    return found, home


def password_file(site: Site) -> Path:
    """Grafana's first password; made when it is not there."""
    path = site.folder / "grafana" / "admin_password"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        # Whole: an empty password would be taken too.
        write_whole(path, secrets.token_urlsafe(18), 0o600)
    return path


def ollama(site: Site, program: Path) -> Plan:
    """The model server, with the user's own models."""
    port = site.ports.ollama
    return Plan(
        "ollama",
        "model server",
        (str(program), "serve"),
        site.variables("ollama", {"OLLAMA_HOST": f"127.0.0.1:{port}", "OLLAMA_NUM_PARALLEL": "1"}),
        site.folder / "ollama",
        local(port),
        local(port) + "/api/version",
        (port,),
        grace_s=15.0,
    )


def service(site: Site, *, beside: Collection[str] = ()) -> Plan:
    """The service itself. `beside` names the other parts that run: it sends traces to some, asks others, and says who
    is told of alerts."""
    ports = site.ports
    own = {
        "ENVIRONMENT": site.environment,
        "PYTHONPATH": ROOT,
        "PYTHONUNBUFFERED": "1",
        "RAG_SERVER__HOST": "127.0.0.1",
        "RAG_SERVER__PORT": ports.service,
        "RAG_METRICS__PORT": ports.service_metrics,
        "RAG_DATA_DIR": site.data,
        "RAG_DOCUMENTS_DIR": site.documents,
        "RAG_OLLAMA__URL": site.named_model_server or local(ports.ollama),
    }
    if "otelcol" in beside:
        own["OTEL_EXPORTER_OTLP_ENDPOINT"] = local(ports.otlp_http)
    if "tempo" in beside:
        own["RAG_TRACES__TEMPO_URL"] = local(ports.tempo)
        if "grafana" in beside:
            own["RAG_TRACES__PAGE_URL"] = local(ports.grafana) + "/d/trace?var-traceId={trace_id}"
    variables = site.variables("service", own)
    variables.pop(_RECEIVERS, None)
    # There are no alerts without Prometheus, and nobody is told without Alertmanager.
    if "prometheus" in beside:
        variables[_RECEIVERS] = receivers(site) if "alertmanager" in beside else ""
    return Plan(
        "service",
        "answers; the page",
        (sys.executable, "-P", "-m", "ops.rollout.launch"),
        variables,
        site.folder / "service",
        local(ports.service),
        local(ports.service) + "/readyz",
        (ports.service, ports.service_metrics),
        start_s=120.0,  # the first start reads the documents
        grace_s=20.0,
        metrics_port=ports.service_metrics,
        runs_in=Path.cwd(),  # relative paths in its settings mean what they mean for `make run`
    )


# In the order of their start; each with what does not work without it.
WITHOUT: Mapping[str, str] = {
    "prometheus": "no metrics over time, no alerts, empty dashboards; `/metrics` and the page still show the present",
    "alertmanager": "alerts fire in Prometheus, and nobody is told",
    "tempo": "no search over traces: they go into a file, and the service keeps the latest",
    "otelcol": "traces stay in the service, which keeps the latest",
    "grafana": "no dashboards; Prometheus answers queries at its own address",
    "ollama": "answers are quotes from the documents, until a model server is there",
}
FOUND: Mapping[str, Callable[[Site, Path], Plan]] = {
    "prometheus": prometheus,
    "alertmanager": alertmanager,
    "tempo": tempo,
    "grafana": grafana,
    "ollama": ollama,
}
