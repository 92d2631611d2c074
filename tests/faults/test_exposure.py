"""What the running service opens to others: two documented ports, on loopback; and what it refuses to start with."""

import subprocess
import sys
from pathlib import Path

import pytest

from service.auth.keys import KeyStore
from service.auth.principal import Scope
from service.clock import SystemClock
from tests.components.kernel import LOOPBACK, family, open_sockets
from tests.components.service import RunningService
from tests.faults.stand import Guarded, question


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's tables are read, which only Linux shows as files")
def test_only_the_documented_ports_listen_and_only_on_loopback(guarded: Guarded) -> None:
    service = guarded.service
    # Everything that starts late has started: a reading process, a vector store, a connection to the model.
    page = b"<html><body><p>Slippage is a cost of trading.</p></body></html>"
    assert service.client.post("/documents", files={"file": ("page.html", page)}).status_code == 201
    service.ask(question(800))
    pids = family(service.pid)
    assert len(pids) > 1
    sockets = open_sockets(pids)
    assert {port for _, port in sockets} == {service.port, service.metrics_port}
    assert {address for address, _ in sockets} <= LOOPBACK


def refused(environment: dict[str, str], folder: Path) -> str:
    """What a start says that must fail."""
    done = subprocess.run(
        [sys.executable, "-m", "service"],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert "Traceback" not in said
    assert "listening" not in said
    return said


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    service = RunningService(tmp_path)
    keys = service.data / "keys.json"
    token, record = KeyStore(keys, SystemClock()).create("alice", [Scope.ASK])
    keys.chmod(0o644)
    said = refused(service.environment, tmp_path)
    assert f"chmod 600 {keys}" in said
    assert token.rpartition("_")[2] not in said
    assert record.sha256 not in said


def test_a_public_address_with_a_revoked_key_alone_is_refused(tmp_path: Path) -> None:
    service = RunningService(tmp_path, {"RAG_SERVER__HOST": "0.0.0.0"})
    store = KeyStore(service.data / "keys.json", SystemClock())
    store.revoke(store.create("alice", [Scope.ASK])[1].id)
    assert "emini-rag keys create" in refused(service.environment, tmp_path)


def test_a_wrong_setting_is_named_and_its_value_is_not(tmp_path: Path) -> None:
    service = RunningService(tmp_path, {"RAG_API_KEYS": "qzsecretq", "RAG_SERVER__PORT": "qzsecretq"})
    said = refused(service.environment, tmp_path)
    assert "RAG_API_KEYS" in said
    assert "RAG_SERVER__PORT" in said
    assert "qzsecretq" not in said
