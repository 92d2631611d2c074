"""Data sources by variable, and queries of them. No panel names a source itself."""

from grafana_foundation_sdk.builders import prometheus as p
from grafana_foundation_sdk.builders import tempo as t
from grafana_foundation_sdk.models import common as cm
from grafana_foundation_sdk.models import prometheus as pm
from grafana_foundation_sdk.models import tempo as tm

PROMETHEUS = cm.DataSourceRef(type_val="prometheus", uid="${datasource}")
OTHER = cm.DataSourceRef(type_val="prometheus", uid="${other}")
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


def both(query: str, legend: str, *, exemplars: bool = False) -> list[p.Dataquery]:
    """The same of the first and of the second Prometheus."""
    first = over_time(query, legend, "A", exemplars=exemplars)
    return [first, over_time(query, legend, "B", exemplars=exemplars).datasource(OTHER)]


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
