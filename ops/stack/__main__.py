"""Starts the installation on this machine and keeps it running: `python -m ops.stack`, `make stack`.

Exit status: 0 ended as asked, 1 it could not be started, 2 the command line is wrong.
"""

import argparse
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from rich.console import Console

from ops.stack import plans, screen
from ops.stack.ports import DEVELOPMENT, PRODUCTION
from ops.stack.site import ROOT
from ops.stack.stack import Stack, StackFailed
from ops.stack.supervise import Supervisor

_PORTS = {"production": PRODUCTION, "development": DEVELOPMENT}
_DATA = {"production": "data", "development": "data-dev"}
_LOOK_S = 0.5


def main(
    words: Sequence[str] | None = None,
    variables: Mapping[str, str] | None = None,
    build: Callable[..., Stack] = Stack,
) -> int:
    """Run until told to end: by Ctrl-C, SIGTERM or the end of the terminal; a second time, end at once."""
    given = _arguments(words)
    variables = os.environ if variables is None else variables
    data = Path(given.data or _data(given.environment, variables))
    out, err = Console(), Console(stderr=True)
    try:
        with _interrupting():
            stack = build(
                data / "stack",
                _PORTS[given.environment],
                given.environment,
                data=data,
                documents=Path(given.documents or variables.get("RAG_DOCUMENTS_DIR") or ROOT / "documents"),
                receivers=ROOT / "prometheus" / "receivers",
                without=given.without,
                inherited=variables,
                say=lambda line: _line(out, line),
            )
            with stack:
                screen.show(stack, out)
                _supervise(Supervisor(stack.parts.values(), time.monotonic, lambda line: _line(out, line)))
    except StackFailed as error:
        err.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        # As asked; everything has ended by now.
        return 0
    return 0


def _data(environment: str, variables: Mapping[str, str]) -> str:
    """The variable is production's, as for `make run`: it must not lead development into production's documents."""
    given = variables.get("RAG_DATA_DIR") if environment == "production" else None
    return given or _DATA[environment]


def _supervise(supervisor: Supervisor) -> None:
    """Until an interrupt."""
    while True:
        time.sleep(_LOOK_S)
        supervisor.look()


@contextlib.contextmanager
def _interrupting() -> Iterator[None]:
    """What asks to end interrupts whatever is being done. What is ignored, as under nohup, stays so."""
    asking = [number for number in (signal.SIGINT, signal.SIGHUP) if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, signal.default_int_handler) for number in (*asking, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _line(out: Console, line: str) -> None:
    """For the operator. A terminal that is gone is no reason to end, or to end in disorder."""
    with contextlib.suppress(OSError, SystemExit):
        out.print(line, highlight=False, markup=False, soft_wrap=True)


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m ops.stack", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--environment", choices=sorted(_PORTS), default="production", help="decides ports and folders")
    parser.add_argument(
        "--data", metavar="DIR", help="data folder (default: RAG_DATA_DIR, else data; in development data-dev)"
    )
    parser.add_argument(
        "--documents", metavar="DIR", help="what is read at the start (default: RAG_DOCUMENTS_DIR, else the samples)"
    )
    parser.add_argument(
        "--without", action="append", default=[], choices=sorted(plans.WITHOUT), help="leave a part out"
    )
    given = parser.parse_args(words)
    if given.documents and not Path(given.documents).is_dir():
        parser.error(f"--documents {given.documents}: there is no such folder; name the one that holds the documents")
    return given


if __name__ == "__main__":
    sys.exit(main())
