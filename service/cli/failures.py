"""How a command fails: what happened, why, and what to do, in one place; and the exit codes.

0 done, 1 failed, 2 used wrongly or set wrongly, 3 the service cannot be reached, 130 stopped by the user. Trace backs
are for `--debug` only.
"""

from collections.abc import Sequence

from rich.console import Console

from service.cli.wording import plain
from service.errors import ErrorKind, ServiceError
from service.settings import BadSettings

FAILED = 1
USAGE = 2
UNREACHABLE = 3
STOPPED = 130

# What to do about a kind of failure; most details say it themselves.
_TODO = {
    ErrorKind.UNAUTHORIZED: "Put the key into RAG_API_KEY, or name its file with --key-file.",
    ErrorKind.FORBIDDEN: "`emini-rag keys list` shows the scopes of each key.",
    ErrorKind.MODEL_NOT_FOUND: "`emini-rag models list` shows the models that may be asked.",
}


class Failure(Exception):
    """Ends a command. `what` happened; `why`, when it is known; `todo`; further `lines`; the exit `code`.

    `kind` is the service's own word for it, when the service said it.
    """

    def __init__(
        self,
        what: str,
        why: str = "",
        *,
        todo: str = "",
        lines: Sequence[str] = (),
        code: int = FAILED,
        kind: ErrorKind = ErrorKind.OTHER,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.todo = todo
        self.lines = tuple(lines)
        self.code = code
        self.kind = kind


class Unreachable(Failure):
    """No service answers at `url`."""

    def __init__(self, url: str, why: str) -> None:
        todo = "Start it with `emini-rag serve` (or `make run`), or name another address with --url."
        super().__init__(f"No service answers at {url}", why, todo=todo, code=UNREACHABLE)
        self.url = url


def failure_of(error: Exception) -> Failure:
    """Any exception in the words of a failure."""
    match error:
        case Failure():
            return error
        case BadSettings():
            what = "The settings in the environment cannot be used"
            return Failure(what, lines=[str(problem) for problem in error.problems], code=USAGE)
        case ServiceError():
            return Failure(error.detail, todo=_TODO.get(error.kind, ""))
        case OSError(filename=str() | bytes() as name) if error.strerror:
            return Failure(f"{name!s}: {error.strerror}")
        case OSError() if error.strerror:
            return Failure(error.strerror)
    return Failure(
        f"Something unexpected happened: {type(error).__name__}",
        todo="Run the command again with `emini-rag --debug ...` to see where.",
    )


def problem_failure(problem: dict[str, object], retry_after: str = "") -> Failure:
    """The failure that a problem document (RFC 9457) of the service tells."""
    kind = str(problem.get("kind", ""))
    known = ErrorKind(kind) if kind in set(ErrorKind) else ErrorKind.OTHER
    faults = problem.get("errors")
    lines = [f"{fault.get('field')}: {fault.get('problem')}" for fault in faults] if isinstance(faults, list) else []
    if problem.get("stage"):
        lines.append(f"stage {problem['stage']}")
    if problem.get("trace_id"):
        lines.append(f"trace {problem['trace_id']}")
    todo = f"Try again in {retry_after} s." if retry_after else _TODO.get(known, "")
    title, detail = str(problem.get("title", "The service failed")), str(problem.get("detail", ""))
    return Failure(title, detail, todo=todo, lines=lines, kind=known)


def show(failure: Failure, console: Console) -> None:
    """Print it; meant for standard error."""
    head = plain(failure.what) + (f": {plain(failure.why)}" if failure.why else "")
    console.print(head, style="red", highlight=False, soft_wrap=True)
    for line in (*failure.lines, *([failure.todo] if failure.todo else [])):
        console.print(f"  {plain(line)}", highlight=False, soft_wrap=True)
