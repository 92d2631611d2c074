"""Data sources by variable, and queries of them. No panel names a source itself."""

from grafana_foundation_sdk.builders import prometheus as p
from grafana_foundation_sdk.builders import tempo as t
from grafana_foundation_sdk.models import common as cm
from grafana_foundation_sdk.models import prometheus as pm
from grafana_foundation_sdk.models import tempo as tm

PROMETHEUS = cm.DataSourceRef(type_val="prometheus", uid="${datasource}")
OTHER = cm.DataSourceRef(type_val="prometheus", uid="${other}")
# A panel with targets of several sources must say so: else Grafana asks the first one for all of them.
MIXED = cm.DataSourceRef(type_val="datasource", uid="-- Mixed --")
TEMPO = cm.DataSourceRef(type_val="tempo", uid="${tempo}")
# A search returns so many matches, not the slowest ones: enough that sorting them says something.
_SPANS_AT_MOST = 200


def over_time(query: str, legend: str, ref: str = "A", *, exemplars: bool = False) -> p.Dataquery:
    """A line for each series."""
    return (
        p.Dataquery()
        .expr(query)
        .legend_format(legend)
        .ref_id(ref)
        .range()
        .format(pm.PromQueryFormat.TIME_SERIES)
        .exemplar(exemplars)
        .datasource(PROMETHEUS)
    )


def both(first: str, second: str, legend: str, *, exemplars: bool = False) -> list[p.Dataquery]:
    """One query of the first and one of the second Prometheus; their panel is `MIXED`."""
    asked = over_time(first, legend, "A", exemplars=exemplars)
    return [asked, over_time(second, legend, "B", exemplars=exemplars).datasource(OTHER)]


def buckets_over_time(query: str, ref: str = "A") -> p.Dataquery:
    """A row for each bucket of a histogram."""
    return (
        p.Dataquery()
        .expr(query)
        .legend_format("{{le}}")
        .ref_id(ref)
        .range()
        .format(pm.PromQueryFormat.HEATMAP)
        .exemplar(True)
        .datasource(PROMETHEUS)
    )


def now(query: str, ref: str = "A", legend: str = "") -> p.Dataquery:
    """The value at the end of the dashboard's time, as a row for each series."""
    return (
        p.Dataquery()
        .expr(query)
        .legend_format(legend)
        .ref_id(ref)
        .instant()
        .format(pm.PromQueryFormat.TABLE)
        .datasource(PROMETHEUS)
    )


def latest(query: str, legend: str, ref: str = "A") -> p.Dataquery:
    """The value at the end of the dashboard's time, of each series by its name and labels, which rows do not keep."""
    return now(query, ref, legend).format(pm.PromQueryFormat.TIME_SERIES)


def spans(query: str, ref: str = "A") -> t.Dataquery:
    """Spans that match, as rows."""
    return (
        t.Dataquery()
        .query(query)
        .query_type("traceql")
        .table_type(tm.SearchTableType.SPANS)
        .limit(_SPANS_AT_MOST)
        .ref_id(ref)
        .datasource(TEMPO)
    )


def trace(query: str, ref: str = "A") -> t.Dataquery:
    """One trace by its id."""
    return t.Dataquery().query(query).query_type("traceql").ref_id(ref).datasource(TEMPO)
