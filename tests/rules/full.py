"""The slow suite of the regression rules: weeks of seeded traffic through promtool, baselines included.

`python -m tests.rules.full [PART OF A NAME ...]`: prints each case with what happened and how long it took; exit
status 1 when one of them is not as it should be.
"""

import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from subprocess import TimeoutExpired
from time import monotonic

from prometheus.__main__ import render
from prometheus.thresholds import of_environment
from tests.rules.weeks import Verdict, Weeks, every

_LIMIT_S = 3600


def main(words: Sequence[str]) -> int:
    """Run those whose name has one of the words, or all."""
    chosen = [weeks for weeks in every() if not words or any(word in weeks.name for word in words)]
    if not chosen:
        print("no case has such a name; there are: " + ", ".join(weeks.name for weeks in every()))
        return 2
    rules, began, failed = render(of_environment("production")), monotonic(), 0

    def timed(weeks: Weeks) -> tuple[Verdict, float]:
        start = monotonic()
        try:
            verdict = weeks.run(rules, _LIMIT_S)
        except (ValueError, TimeoutExpired) as failure:
            verdict = Verdict("promtool could not say", [str(failure)])
        return verdict, monotonic() - start

    # promtool does the work: threads are enough to have every core busy.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        running = {pool.submit(timed, weeks): weeks for weeks in chosen}
        for number, done in enumerate(as_completed(running), 1):
            verdict, seconds = done.result()
            failed += bool(verdict.wrong)
            print(f"[{number}/{len(chosen)}] {running[done].name}: {verdict.told} ({seconds:.0f} s)", flush=True)
            for wrong in verdict.wrong:
                print(f"    WRONG: {wrong}", flush=True)
    print(f"{len(chosen) - failed} of {len(chosen)} as they should be, in {monotonic() - began:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
