"""`emini-rag`: the commands, each imported only when it is used, so that `--help` comes at once.

This file owns the table of commands and what happens to failures: they are told in words, with an exit code
(`failures.py`); trace backs are shown with `--debug` only.
"""

import importlib
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

# Name -> module that holds it as `app`, and its line in the help.
_COMMANDS = {
    "serve": ("service.cli.serving", "Start the service: API, page and metrics."),
    "ask": ("service.cli.ask", "Ask a question, and get an answer with its sources."),
    "ingest": ("service.cli.ingest", "Add documents: a file, or every file of a folder."),
    "slow": ("service.cli.slow", "The slowest questions of the last days, and where their time went."),
    "trace": ("service.cli.trace", "One request in full: stages against what is usual, and every span."),
    "top": ("service.cli.top", "What the running service does now, until it is left."),
    "models": ("service.cli.models", "Models in Ollama: list, pull, preload."),
    "cache": ("service.cli.cache", "The answer cache of the running service: stats, clear."),
    "keys": ("service.cli.keys", "API keys: create, list, revoke."),
    "drill": ("service.cli.drill.commands", "Break development on purpose, and see whether alerts notice: list, run."),
    "compare": ("ops.compare.commands", "Whether a candidate is faster, slower or answers differently."),
    "checkpoint": ("ops.checkpoint.commands", "The whole state kept, compared, gone back to: create, list, restore."),
    "deploy": ("ops.rollout.deploy_command", "Another version, on trial first; kept only when it is as good."),
    "rollback": ("ops.rollout.rollback_command", "The version before, in one command."),
    "doctor": ("service.cli.doctor", "What works here, what is missing, and what to do."),
    "version": ("service.cli.version", "Which version this is."),
}


class Commands(TyperGroup):
    """The root. Lists the table above, imports the module of the one command that is used, and tells failures."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 # in the order of the table
        return list(_COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> TyperCommand | None:  # noqa: ARG002
        """What the help needs to know of a command."""
        known = _COMMANDS.get(cmd_name)
        return None if known is None else TyperCommand(cmd_name, help=known[1])

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        name, _, rest = super().resolve_command(ctx, args)
        path = _COMMANDS[str(name)][0]
        try:
            module = importlib.import_module(path)
        except ModuleNotFoundError as error:
            raise _elsewhere(str(name), path, error) from error
        return name, typer.main.get_command(module.app), rest

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (Exception, KeyboardInterrupt) as error:
            code = _told(ctx, error)
            if code is None:
                raise
            raise typer.Exit(code) from None


app = typer.Typer(cls=Commands, no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def root(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show trace backs, for those who repair.")] = False,
) -> None:
    """Answers questions from your own documents, and shows where every second went.

    Settings come from the environment (RAG_..., see README); `emini-rag doctor` says what is missing.
    """
    from service.cli.surroundings import Surroundings  # noqa: PLC0415

    context.obj = context.obj or Surroundings()
    context.obj.debug = context.obj.debug or debug


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of the command; ends the process with the exit code."""
    app(args=None if arguments is None else list(arguments), prog_name="emini-rag")


def _elsewhere(name: str, path: str, error: ModuleNotFoundError) -> Exception:
    """What installations are compared and changed with is not in the service's image: it works on them from beside."""
    from service.cli.failures import USAGE, Failure  # noqa: PLC0415

    if not path.startswith("ops.") or not f"{path}.".startswith(f"{error.name}."):
        return error
    why = "what compares and changes installations is not in the service's image"
    return Failure(f"`{name}` is a command of a checkout", why, todo="Run it on the host, in the checkout.", code=USAGE)


def _told(context: Any, error: BaseException) -> int | None:
    """The exit code after the failure was told; None for what is to be raised on."""
    from service.cli.failures import STOPPED, failure_of, show  # noqa: PLC0415
    from service.cli.surroundings import Surroundings  # noqa: PLC0415

    # Typer's own errors about usage, and its way to exit.
    if type(error).__module__.startswith("typer."):
        return None
    surroundings = context.find_object(Surroundings) or Surroundings()
    if isinstance(error, KeyboardInterrupt):
        surroundings.note("stopped")
        return STOPPED
    if surroundings.debug or not isinstance(error, Exception):
        return None
    failure = failure_of(error)
    show(failure, surroundings.err)
    return failure.code


if __name__ == "__main__":
    main()
