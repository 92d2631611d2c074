"""Writes the rules, the runbook as a page and the table of docs/alerts.md: `python -m prometheus`; `--check` says whether the
files are what would be written.

Exit status: 0 done or up to date, 1 not up to date, 2 the bounds are refused or a text lacks an alert.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from prometheus import answers, change, guide, objectives, parts, pipeline, regression
from prometheus.rule import Group, written
from prometheus.runbook_page import page
from prometheus.thresholds import Refused, Thresholds, of_environment
from service.settings import Settings

FOLDER = Path(__file__).parent / "rules"
RUNBOOK = Path(__file__).parent / "runbook.md"
GUIDE = Path(__file__).parents[1] / "docs" / "alerts.md"
# In the folder that Prometheus serves under /user.
PAGE = Path(__file__).parent / "user" / "runbook.html"
ENVIRONMENTS = ("production", "development")


def files(limits: Thresholds) -> dict[str, tuple[str, Sequence[Group]]]:
    """Groups by their file's name, with its heading. Baselines are apart, so that tests can put them in as given."""
    past, now, versions = change.groups(limits)
    return {
        "baselines.yml": ("What is usual: medians and spreads of the last days.", (regression.baselines(limits), past)),
        "regression.yml": ("Whether a model is slower than it was.", (regression.present(limits),)),
        "objectives.yml": ("How fast the error budget is used.", objectives.groups(limits)),
        "change.yml": ("What a change brought.", (now, versions)),
        "answers.yml": ("What is wrong with answers now.", (answers.group(limits),)),
        "parts.yml": ("What is away.", parts.groups(limits)),
        "pipeline.yml": ("Whether telemetry can be believed.", (pipeline.group(limits),)),
    }


def render(limits: Thresholds) -> dict[str, str]:
    """The text of every file by its name."""
    return {name: written(groups, heading) for name, (heading, groups) in files(limits).items()}


def guide_text(models: Sequence[str] | None = None) -> str:
    """docs/alerts.md with the table of what there is now. Raises `Incomplete`, `Refused`."""
    found = {
        environment: guide.alerts(
            group for _, groups in files(of_environment(environment, models)).values() for group in groups
        )
        for environment in ENVIRONMENTS
    }
    made = guide.table(found, RUNBOOK.read_text(encoding="utf-8"))
    return guide.filled(GUIDE.read_text(encoding="utf-8"), made)


def main(words: Sequence[str], folder: Path = FOLDER) -> int:
    """Write, or with `--check` compare. What is written elsewhere than in the checkout is the rules alone."""
    models = Settings().chat_models
    try:
        made = {
            folder / environment / name: text
            for environment in ENVIRONMENTS
            for name, text in render(of_environment(environment, models)).items()
        }
        if folder == FOLDER:
            made[PAGE] = page(RUNBOOK.read_text(encoding="utf-8"))
            made[GUIDE] = guide_text(models)
    except (Refused, guide.Incomplete) as refused:
        print(refused)
        return 2
    old = set(folder.glob("*/*.yml"))
    stale = sorted(
        (old - set(made)) | {path for path, text in made.items() if not path.exists() or path.read_text() != text}
    )
    if "--check" in words:
        for path in stale:
            where = path.relative_to(GUIDE.parents[1]) if folder == FOLDER else path
            print(f"{where} is not what the code says; run `make rules`")
        return 1 if stale else 0
    for path in old - set(made):
        path.unlink()
    for path, text in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    print(f"{len(made)} files of rules, runbook and guide, {len(stale)} changed")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
