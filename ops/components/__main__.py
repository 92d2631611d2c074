"""Builds the real components that are not there yet: `python -m ops.components [NAME ...]`.

Exit status: 0 everything asked for is there, 1 something could not be built, 2 something that a build needs is missing.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence

from ops.components.building import BuildFailed, build, printed_version
from ops.components.find import OTHERS, find, missing
from ops.components.needs import Lack, ThisMachine, install, lacks
from ops.components.recipes import RECIPES, Recipe, built_folder
from ops.setup.progress import Progress


def main(words: Sequence[str] | None = None) -> int:
    """Do what the command line asks."""
    given = _arguments(words)
    if given.list:
        _print_list()
        return 0
    wanted = [RECIPES[name] for name in dict.fromkeys(given.names or RECIPES)]
    absent = [recipe for recipe in wanted if not _is_there(recipe, given.from_source)]
    missing_needs = lacks(absent, ThisMachine())
    if given.install_headers:
        missing_needs = _install(missing_needs, absent)
    if missing_needs:
        print("These are missing before anything can be built:", file=sys.stderr)
        for lack in missing_needs:
            print(f"  {lack}", file=sys.stderr)
        if any(lack.package for lack in missing_needs):
            print("As root, --install-headers installs the Debian packages among them.", file=sys.stderr)
        return 2
    failed = [recipe.name for recipe in absent if not _build(recipe)]
    return 1 if failed else 0


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m ops.components",
        description="Builds, from pinned sources, the real components that the tests use and that are not there yet.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(RECIPES))
    parser.add_argument("--list", action="store_true", help="show what is found where, and build nothing")
    parser.add_argument("--from-source", action="store_true", help="do not count what RAG_COMPONENTS_DIR or PATH has")
    parser.add_argument(
        "--install-headers", action="store_true", help="install missing Debian packages by apt-get (needs root)"
    )
    given = parser.parse_args(words)
    if unknown := [name for name in given.names if name not in RECIPES]:
        parser.error(f"nothing builds {', '.join(unknown)}; known are {', '.join(RECIPES)}")
    return given


def _is_there(recipe: Recipe, from_source: bool) -> bool:
    built = built_folder(recipe) / recipe.name
    path = (built if built.exists() else None) if from_source else find(recipe.name)
    if path is None:
        return False
    print(f"{recipe.name}: {path}")
    return True


def _install(missing_needs: list[Lack], absent: Sequence[Recipe]) -> list[Lack]:
    packages = [lack.package for lack in missing_needs if lack.package]
    if not packages:
        return missing_needs
    if os.geteuid() != 0:
        print("--install-headers needs root; nothing was installed", file=sys.stderr)
        return missing_needs
    print(f"installing {' '.join(packages)}", flush=True)
    try:
        install(packages)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"apt-get failed: {error}", file=sys.stderr)
        return missing_needs
    return lacks(absent, ThisMachine())


def _build(recipe: Recipe) -> bool:
    print(f"{recipe.name}: building {recipe.version} from source, about {recipe.wall} on two cores", flush=True)
    progress = Progress(recipe.name, sys.stdout)
    try:
        path = build(recipe, progress)
    except BuildFailed as error:
        progress.end("failed")
        print(error, file=sys.stderr)
        return False
    progress.end(f"{path} is ready")
    return True


def _print_list() -> None:
    for name in (*RECIPES, *OTHERS):
        path = find(name)
        if path is None:
            print(f"{name:14} -         {missing(name)}")
        else:
            print(f"{name:14} {printed_version(path) or '?':9} {path}")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("stopped; a build that was under way is begun anew the next time")
