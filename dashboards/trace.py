"""One trace, by its id. Links lead here: without an id there is nothing to show."""

from grafana_foundation_sdk.builders import dashboard as d

from dashboards import frame, panels
from dashboards.grid import Grid
from dashboards.thresholds import Thresholds

UID = "trace"
_NONE = "00000000000000000000000000000001"


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
    )
    about = "One line for each stage; the longest is where the time went. Red: it failed. Under a chat span: the model server's own phases."
    return made.with_panel(grid.place(panels.waterfall("Trace ${traceId}", about), 24, 20))
