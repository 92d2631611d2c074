"""The stack in containers: `python -m ops.compose up|dev|down|logs|check|pins`.

Exit status: 0 done, 1 not, 2 something that it takes is missing; else what Compose itself gives.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from ops.compose import checking, pins
from ops.compose.docker import Docker, Unusable
from ops.compose.files import DEVELOPMENT, PRODUCTION, ROOT, Unreadable
from ops.compose.starting import Order, Surroundings, start


def main(words: Sequence[str] | None = None, docker: Docker | None = None, root: Path = ROOT) -> int:
    """Do what the command line asks."""
    given, extra = _parser().parse_known_args(words)
    if extra and given.command not in ("up", "dev", "logs", "pins"):
        _parser().error(f"{given.command} takes no {' '.join(extra)}")
    try:
        return _do(given, extra, docker or Docker(root=root), root)
    except (Unusable, Unreadable) as error:
        print(error, file=sys.stderr)
        return 2
    except pins.NotPinned as error:
        print(error, file=sys.stderr)
        return 1


def _do(given: argparse.Namespace, extra: list[str], docker: Docker, root: Path) -> int:
    if given.command == "check":
        return checking.check(docker, root, _say)
    if given.command == "pins":
        pins.pin(docker, root, pins.wishes_of(extra), _say)
        return 0
    installation = DEVELOPMENT if given.command == "dev" or given.dev else PRODUCTION
    if given.command in ("up", "dev"):
        order = Order(installation, given.on, given.ports, extra)
        return start(order, Surroundings(docker, root, os.environ, _say))
    docker.check_compose()
    if given.command == "logs":
        return docker.compose([installation.file], ["logs", *(extra or ["--follow", "--tail=100"])])
    ended = [DEVELOPMENT] if given.dev else [DEVELOPMENT, PRODUCTION]
    return max(docker.compose([one.file], ["down"]) for one in ended)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ops.compose", description="The stack in containers.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, about in (
        ("up", "start production, on the GPU where there is one, and tell where everything is"),
        ("dev", "start development beside it, with live reload"),
        ("down", "end both, production and development; what they stored stays"),
        ("logs", "show what it logs; further words go to `docker compose logs`"),
        ("check", "hold the Compose files against the rules, and let Compose validate them"),
        ("pins", "ask the registries for the digest of every image in .env, or NAME=IMAGE:VERSION for another one"),
    ):
        command = commands.add_parser(name, help=about, description=about)
        command.set_defaults(dev=False, ports=False, on="auto")
        if name in ("up", "dev"):
            where = command.add_mutually_exclusive_group()
            where.add_argument("--gpu", dest="on", action="store_const", const="gpu", help="even if none is seen")
            where.add_argument("--cpu", dest="on", action="store_const", const="cpu", help="even if a GPU is seen")
        if name == "up":
            command.add_argument("--ports", action="store_true", help="publish Chroma, Ollama, Collector, Tempo too")
        if name in ("down", "logs"):
            command.add_argument("--dev", action="store_true", help="development alone")
    return parser


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
