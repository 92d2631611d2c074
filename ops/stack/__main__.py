"""Starts the installation on this machine and keeps it running: `python -m ops.stack`, `make stack`.

Exit status: 0 ended as asked, 1 it could not be started, 2 the command line is wrong.
"""

import argparse
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping, Sequence
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


def main(words: Sequence[str] | None = None, variables: Mapping[str, str] | None = None) -> int:
    """Run until told to end."""
    given = _arguments(words)
    variables = os.environ if variables is None else variables
    data = Path(given.data or variables.get("RAG_DATA_DIR") or _DATA[given.environment])
    out, err = Console(), Console(stderr=True)
    # Asked to end while it starts, it ends what it has started.
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))
    try:
        stack = Stack(
            data / "stack",
            _PORTS[given.environment],
            given.environment,
            data=data,
            documents=Path(variables.get("RAG_DOCUMENTS_DIR", ROOT / "documents")),
            receivers=ROOT / "prometheus" / "receivers",
            without=given.without,
            inherited=variables,
            say=lambda line: out.print(line, highlight=False, markup=False),
        )
        with stack:
            screen.show(stack, out)
            _supervise(stack, out)
            out.print("ending")
    except StackFailed as error:
        err.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


def _supervise(stack: Stack, out: Console) -> None:
    """Until Ctrl-C or SIGTERM; a second one while it ends makes the end an instant one."""
    over = threading.Event()
    before = {number: signal.signal(number, lambda *_: over.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    supervisor = Supervisor(
        stack.parts.values(), time.monotonic, lambda line: out.print(line, highlight=False, markup=False)
    )
    while not over.wait(_LOOK_S):
        supervisor.look()
    for number, handler in before.items():
        signal.signal(number, handler)


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m ops.stack", description=__doc__.partition("\n")[0])
    parser.add_argument("--environment", choices=sorted(_PORTS), default="production", help="decides ports and folders")
    parser.add_argument("--data", help="data folder (default: RAG_DATA_DIR, else data or data-dev)")
    parser.add_argument(
        "--without", action="append", default=[], choices=sorted(plans.WITHOUT), help="leave a part out"
    )
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main())
