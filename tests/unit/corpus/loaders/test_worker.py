"""What the reading process may not do, shown in real processes with its limits on."""

import subprocess
import sys

import pytest

ATTEMPTS = {
    "open a socket": "import socket; socket.socket().connect(('127.0.0.1', 9))",
    "look up a name": "import socket; socket.getaddrinfo('localhost', 80)",
    "start a program": "import subprocess; subprocess.run(['true'])",
    "run a shell": "import os; os.system('true')",
    "fork": "import os; os.fork()",
    "write a file": "open('/tmp/never-written-by-a-reader', 'w')",
    "append to a file": "open('/tmp/never-written-by-a-reader', 'ab')",
    "remove a file": "import os; os.remove('/tmp/never-there')",
    "make a folder": "import os; os.mkdir('/tmp/never-made-by-a-reader')",
}


def run(attempt: str, memory_bytes: int = 1 << 30) -> subprocess.CompletedProcess[str]:
    code = f"from service.corpus.loaders.worker import _give_up\n_give_up({memory_bytes})\n{attempt}\nprint('done')"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=ATTEMPTS.keys())
def test_reading_cannot(attempt: str) -> None:
    result = run(attempt)
    assert "PermissionError: reading a document does not need this" in result.stderr
    assert "done" not in result.stdout


def test_reading_can_read_and_import() -> None:
    result = run("import sqlite3, pypdf; open('/dev/null', 'rb').close()")
    assert (result.stdout.strip(), result.returncode) == ("done", 0)


def test_memory_is_limited() -> None:
    assert "MemoryError" in run("x = bytearray(200 << 20)", memory_bytes=128 << 20).stderr


def test_it_is_light() -> None:
    code = "import sys, service.corpus.loaders.worker; print(*sorted(m.partition('.')[0] for m in sys.modules))"
    loaded = set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )
    assert loaded.isdisjoint(
        {"chromadb", "fastapi", "pydantic", "pypdf", "selectolax", "sentencex", "asyncio", "httpx"}
    )
