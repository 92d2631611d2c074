"""The reading process: takes files on standard input, gives their text on standard output, and can do nothing else.

Started by `worker_process.py` as `python -P -m service.corpus.loaders.worker MEMORY_BYTES`. Before the first byte of a
file it gives up what reading does not need: memory above the limit, files larger than nothing, new processes, sockets.
These stop mistakes and parser bugs, not an attacker who already runs code in the interpreter. It ends when its input
ends, and with its parent.
"""

import ctypes
import json
import logging
import math
import os
import resource
import signal
import sys
from typing import Any, BinaryIO

from service.corpus.loaders import wire
from service.corpus.loaders.parsing import parse
from service.corpus.loaders.port import ParseLimits
from service.errors import ErrorKind, ServiceError

_OPEN_FILES = 64
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_OUT_OF_MEMORY_STATUS = 71
_FORBIDDEN = ("socket.", "subprocess.", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.system", "os.remove")
_FORBIDDEN_TOO = frozenset({"os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.chmod", "os.truncate"})


def main() -> None:
    """Serve until the input ends."""
    _give_up(int(sys.argv[1]))
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while (head := wire.read_frame(source)) is not None:
        content = wire.read_frame(source)
        if content is None:
            return
        if not _serve(json.loads(head), content, sink):
            # The heap is in an unknown state; a fresh process is cheaper than finding out.
            os._exit(_OUT_OF_MEMORY_STATUS)


def _serve(head: dict[str, Any], content: bytes, sink: BinaryIO) -> bool:
    """Answer one request; False when the memory ran out."""
    name = str(head["name"])
    _limit_cpu(int(head["cpu_s"]))
    try:
        document = parse(name, content, ParseLimits(int(head["max_pages"]), int(head["max_text_chars"])))
        answer = wire.reply(document)
    except ServiceError as error:
        answer = wire.refusal(error.kind, error.detail)
    except MemoryError:
        sink.write(wire.refusal(wire.OUT_OF_MEMORY, ""))
        sink.flush()
        return False
    except Exception:
        # The parser's own words could quote the document, so they stay here.
        answer = wire.refusal(
            ErrorKind.UNSUPPORTED_DOCUMENT, f"{name} cannot be read; it may be damaged: get it again or export it anew"
        )
    sink.write(answer)
    sink.flush()
    return True


def _give_up(memory_bytes: int) -> None:
    logging.disable(logging.CRITICAL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    _limit(resource.RLIMIT_AS, memory_bytes)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_NOFILE, _OPEN_FILES)
    sys.addaudithook(_refuse)


def _limit(which: int, value: int) -> None:
    """Soft and hard, never above what the operator already set. macOS refuses some of them; Linux must not."""
    hard = resource.getrlimit(which)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    try:
        resource.setrlimit(which, (value, value))
    except (ValueError, OSError):
        if sys.platform == "linux":
            raise


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    """Audit hook: no network, no processes, no changes to files."""
    writes = event == "open" and isinstance(arguments[1], str) and any(letter in arguments[1] for letter in "wax+")
    if writes or event in _FORBIDDEN_TOO or event.startswith(_FORBIDDEN):
        raise PermissionError("reading a document does not need this")


def _limit_cpu(cpu_s: int) -> None:
    """The limit counts from the start of the process; the soft one moves on with each file."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    soft = math.ceil(usage.ru_utime + usage.ru_stime) + max(1, cpu_s)
    resource.setrlimit(resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))


if __name__ == "__main__":
    main()
