"""One trace, by its id. Links lead here: without an id there is nothing to show."""

from grafana_foundation_sdk.builders import dashboard as d

from dashboards import frame, panels
from dashboards.grid import Grid
from prometheus.thresholds import Thresholds

UID = "trace"
_NONE = "00000000000000000000000000000001"
_GUIDE = """
**Where did the seconds go?** Each line is a stage; the longest one below *invoke_workflow ask* is the answer, and a red one failed. Under a *chat* line are
the model server's own phases: queue, load, prompt eval, eval. **Nothing found?** The id above must be one of the last 14 days; a trace that is seconds old is not there yet.
"""


def build(limits: Thresholds) -> d.Dashboard:
    """The dashboard."""
    del limits  # the same signature as the others
    grid = Grid()
    made = frame.dashboard(
        UID,
        "Trace",
        "Where the seconds of one question went. Opened from Slow queries and from the diamonds on any latency panel.",
        variables=[frame.text_variable("traceId", "Trace id", _NONE)],
        environment=False,
        traces=True,
        metrics=False,
        listed=False,
    )
    made.with_row(grid.row("One question"))
    about = "One line for each stage; the longest is where the time went. Red: it failed. Under a chat span: the model server's own phases."
    made.with_panel(grid.place(panels.waterfall("Trace ${traceId}", about), 24, 18))
    return made.with_panel(grid.place(panels.words("", "How to read a trace.", _GUIDE), 24, 3))
