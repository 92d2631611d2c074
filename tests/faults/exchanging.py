"""A program that goes back and forth between two checkpoints until it is killed: `DATA CHECKPOINT CHECKPOINT`.

It does to the documents what a restore does, without the slow looks before and after, and prints a line before each
step. What was interrupted it brings to its end first, as the commands do.
"""

import sys
from itertools import cycle
from pathlib import Path

from ops.checkpoint.store import FolderStore


def say(step: str) -> None:
    sys.stdout.write(step + "\n")
    sys.stdout.flush()


def main() -> None:
    data, *checkpoints = map(Path, sys.argv[1:])
    store = FolderStore(data, data / "chroma")
    for number, checkpoint in enumerate(cycle(checkpoints)):
        with store.exclusive():
            say("end")
            store.advance()
            if number % 3 == 2:
                store.turn_back()
            else:
                store.settle()
            say("stage")
            store.stage(checkpoint)
            say("exchange")
            store.begin(checkpoint.name)
            store.advance()


if __name__ == "__main__":
    main()
