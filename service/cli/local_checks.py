"""What `doctor` looks at on this machine: Python, SQLite, folders, ports, keys, clock. Blocking, and changes nothing
but for a file that is made and removed again."""

import errno
import importlib.util
import shutil
import socket
import sqlite3
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from service.auth.bind import is_loopback
from service.auth.key_file import KeyFileUnusable, read_keys
from service.cli.finding import Finding, State
from service.cli.wording import count, moment, size
from service.data_folder import DataFolder
from service.probes import folder_problem
from service.settings import Settings

_OLDEST_PYTHON = (3, 11)
_LITTLE_SPACE_BYTES = 1 << 30
# This program did not exist before: a clock that says so is wrong.
_EARLIEST_S = 1_735_689_600.0
_AHEAD_S = 60.0


def python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < _OLDEST_PYTHON:
        return Finding("Python", State.PROBLEM, version, "Install Python 3.11 or newer, and run `make setup` again.")
    return Finding("Python", State.OK, version)


def full_text_search() -> Finding:
    """Keyword search needs SQLite's FTS5."""
    name = "SQLite full-text search"
    try:
        connection = sqlite3.connect(":memory:")
        try:
            connection.execute("CREATE VIRTUAL TABLE probe USING fts5(text)")
        finally:
            connection.close()
    except sqlite3.Error:
        todo = "Use a Python whose SQLite has FTS5, such as that of python.org or of your distribution."
        return Finding(name, State.PROBLEM, f"SQLite {sqlite3.sqlite_version} has no FTS5", todo)
    return Finding(name, State.OK, f"SQLite {sqlite3.sqlite_version}")


def data_folder(settings: Settings) -> Finding:
    """Writable, with room."""
    folder, name = settings.data_dir, "data folder"
    place = _nearest(folder)
    problem = folder_problem(place)
    if problem:
        return Finding(name, State.PROBLEM, problem)
    free = shutil.disk_usage(place).free
    seen = f"{folder.absolute()}, {size(free)} free" + ("" if folder.exists() else "; made at the first start")
    if free < _LITTLE_SPACE_BYTES:
        return Finding(name, State.WARNING, seen, "Free some space: documents, vectors and answers are kept there.")
    return Finding(name, State.OK, seen)


def data_folder_lock(settings: Settings) -> Finding:
    holder = DataFolder(settings.data_dir).holder()
    if holder is None:
        return Finding("data folder in use", State.OK, "by nobody")
    return Finding("data folder in use", State.INFO, f"by {holder}; a second service needs a RAG_DATA_DIR of its own")


def documents_folder(settings: Settings) -> Finding:
    folder, name = settings.documents_dir, "documents folder"
    if not folder.is_dir():
        todo = "Make it, set RAG_DOCUMENTS_DIR, or add documents with `emini-rag ingest PATH`."
        return Finding(name, State.WARNING, f"{folder.absolute()} is not there", todo)
    files = sum(1 for _ in _some_files(folder))
    if not files:
        todo = "Put documents there, or add them with `emini-rag ingest PATH`."
        return Finding(name, State.WARNING, f"{folder.absolute()} is empty", todo)
    return Finding(name, State.OK, f"{folder.absolute()}, {count(files, 'file')}")


def embedded_vectors(settings: Settings) -> Finding:
    """The vector store in the data folder is there to be read, without opening it for writing."""
    name = "Chroma (embedded)"
    if importlib.util.find_spec("chromadb") is None:
        return Finding(name, State.WARNING, "not installed", "Run `make setup`; until then search is by keywords.")
    stores = sorted(settings.data_dir.glob("*/chroma.sqlite3"))
    if not stores:
        return Finding(name, State.OK, "no vectors yet; made when there is an embedding model")
    for store in stores:
        try:
            connection = sqlite3.connect(f"{store.absolute().as_uri()}?mode=ro", uri=True, timeout=1.0)
            try:
                connection.execute("SELECT count(*) FROM collections").fetchone()
            finally:
                connection.close()
        except sqlite3.Error as error:
            todo = "Stop the service and move that folder away: its vectors are made anew at the next start."
            return Finding(name, State.WARNING, f"{store.parent} cannot be read ({error})", todo)
    return Finding(name, State.OK, str(stores[0].parent))


def key_file(settings: Settings) -> Finding:
    """Readable, by nobody else, and holding a key where one is needed."""
    name, path = "API keys", settings.keys_file
    try:
        records = read_keys(path)
    except KeyFileUnusable as error:
        return Finding(name, State.PROBLEM, error.detail)
    live = sum(1 for record in records if record.is_live(time.time()))
    create = "Make a key: emini-rag keys create NAME --scope ask"
    reached = settings.server.published_on or settings.server.host
    public = not is_loopback(reached)
    if public and not live:
        return Finding(name, State.PROBLEM, f"none, and {reached} can be reached from outside", create)
    if settings.auth.mode == "keys" and not live:
        return Finding(name, State.WARNING, "none, and RAG_AUTH__MODE is keys: nobody can ask", create)
    if public and settings.auth.mode == "open":
        return Finding(name, State.WARNING, "RAG_AUTH__MODE is open on a public address", "Set it to auto or keys.")
    if not live:
        return Finding(name, State.OK, "none: this machine may ask without one")
    return Finding(name, State.OK, f"{live} live, in {path}")


def clock(settings: Settings) -> Finding:
    """Ages, expiry and alerts stand on it."""
    now = time.time()
    todo = "Set the clock (`timedatectl set-ntp true`): keys, cached answers and traces depend on it."
    if now < _EARLIEST_S:
        return Finding("clock", State.WARNING, f"it says {moment(now)}", todo)
    newest = max((path.stat().st_mtime for path in _some_files(settings.data_dir)), default=0.0)
    if newest > now + _AHEAD_S:
        seen = f"it says {moment(now)}, and a file in the data folder is from {moment(newest)}"
        return Finding("clock", State.WARNING, seen, todo)
    return Finding("clock", State.OK, moment(now))


def port(name: str, host: str, number: int, variable: str, taken: State) -> Finding:
    """Free to listen on. `taken` is the state when it is not."""
    if number == 0:
        return Finding(name, State.OK, "any free one")
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            host, number, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        return Finding(name, taken, f"{host}:{number} cannot be used ({error.strerror})", _way_out(error, variable))
    return Finding(name, State.OK, f"{host}:{number} is free")


def _way_out(error: OSError, variable: str) -> str:
    """What to do about an address that cannot be listened on."""
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return f"Name an address of this machine with {variable.replace('PORT', 'HOST')}."
    if error.errno == errno.EACCES:
        return f"Ports below 1024 need privileges: choose another with {variable}."
    return f"Stop what uses it (`ss -ltnp` shows it), or choose another with {variable}."


def _nearest(folder: Path) -> Path:
    """The folder, or the one in which it would be made."""
    here = folder.absolute()
    while not here.exists() and here != here.parent:
        here = here.parent
    return here


def _some_files(folder: Path, most: int = 10_000) -> Iterator[Path]:
    """Files below a folder, bounded: a look, not a walk through a disk."""
    for number, path in enumerate(folder.rglob("*")):
        if number >= most:
            return
        if path.is_file() and not path.name.startswith("."):
            yield path
