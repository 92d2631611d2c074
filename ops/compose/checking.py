"""`check`: everything that can be said about the Compose files without starting them."""

from collections.abc import Callable, Iterator
from pathlib import Path

from ops.compose import apart, linter
from ops.compose.docker import Docker, Unusable
from ops.compose.files import DEVELOPMENT, PRODUCTION, VARIABLES, WITH_PORTS, Unreadable, read, read_variables
from ops.compose.linter import Fault

# Every way in which the files are meant to be laid over each other.
TOGETHER: tuple[tuple[str, ...], ...] = (
    (PRODUCTION.file,),
    (PRODUCTION.file, PRODUCTION.without_gpu),
    (PRODUCTION.file, WITH_PORTS),
    (PRODUCTION.file, PRODUCTION.without_gpu, WITH_PORTS),
    (DEVELOPMENT.file,),
    (DEVELOPMENT.file, DEVELOPMENT.without_gpu),
)


def faults_of(root: Path) -> Iterator[Fault]:
    """What is wrong with the files by themselves, each with the file's name in front. Raises `Unreadable`."""
    variables = read_variables(root / VARIABLES)
    contents = {name: read(root / name) for name in (PRODUCTION.file, DEVELOPMENT.file)}
    everything = []
    for name, content in contents.items():
        for fault in linter.lint_file(content, variables, root):
            yield Fault(f"{name}, {fault.where}", fault.rule, fault.says)
        everything += linter.containers(content, variables, root)
    overlay = linter.containers(read(root / WITH_PORTS), variables, root)
    for container in overlay:
        yield from linter.lint_container(container, linter.FOR_OVERLAYS)
    yield from linter.unused_excuses(everything)
    yield from apart.overlap(*contents.values())
    yield from apart.shared_ports([*everything, *overlay], ())
    yield from apart.undocumented_ports([*everything, *overlay], root)
    without_gpu = linter.containers(read(root / PRODUCTION.without_gpu), variables, root)
    yield from apart.unusable_mounts([*everything, *without_gpu], root)


def check(docker: Docker, root: Path, say: Callable[[str], None]) -> int:
    """Says what is wrong; 0 when nothing is, else 1."""
    try:
        faults = list(faults_of(root))
    except Unreadable as error:
        say(str(error))
        return 1
    for fault in faults:
        say(str(fault))
    refused = list(_refused(docker, say))
    for text in refused:
        say(text)
    rules = len(linter.RULES)
    if faults or refused:
        say(f"{len(faults) + len(refused)} faults")
        return 1
    say(f"the Compose files keep all {rules} rules for containers, and both installations stay apart")
    return 0


def _refused(docker: Docker, say: Callable[[str], None]) -> Iterator[str]:
    """What Compose itself does not take; without Docker nothing is known, which is said."""
    try:
        docker.check_compose()
    except Unusable as error:
        say(f"not validated by Compose itself: {error}")
        return
    for files in TOGETHER:
        if says := docker.validate(files):
            yield f"{' + '.join(files)}: Compose refuses it: {says}"
    say(f"validated by Compose itself: {len(TOGETHER)} ways of laying the files over each other")
