"""The kinds of panels, each with the settings that the SDK leaves open: units, legends, what an empty one says.

Every panel has a title that is a quantity or a question and a description that says what to do when it looks bad.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from grafana_foundation_sdk.builders import bargauge, heatmap, stat, statetimeline, table, text, timeseries
from grafana_foundation_sdk.builders import common as c
from grafana_foundation_sdk.builders import dashboard as d
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as cm
from grafana_foundation_sdk.models import dashboard as dm
from grafana_foundation_sdk.models import heatmap as hm

from dashboards import look
from dashboards.sources import TEMPO, buckets_over_time, trace

QUIET = "no traffic"
V = dm.DynamicConfigValue
Target = Any
"""A query builder of `sources`."""


def number(
    title: str,
    about: str,
    target: Target,
    unit: str,
    *,
    bounds: d.ThresholdsConfig | None = None,
    empty: str = QUIET,
    decimals: int | None = None,
    sparkline: bool = True,
    named: bool = False,
) -> stat.Panel:
    """One number; with `sparkline` its course behind it, which needs a query over time; `named`: with its series' name."""
    panel = (
        stat.Panel()
        .title(title)
        .description(about)
        .unit(unit)
        .min(0)
        .no_value(empty)
        .thresholds(bounds or look.plain())
        .color_scheme(d.FieldColor().mode(dm.FieldColorModeId.THRESHOLDS))
        .text_mode(cm.BigValueTextMode.VALUE_AND_NAME if named else cm.BigValueTextMode.VALUE)
        .graph_mode(cm.BigValueGraphMode.AREA if sparkline else cm.BigValueGraphMode.NONE)
        .reduce_options(c.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
        .mappings([_not_a_number(empty)])
        .with_target(target)
    )
    return panel.decimals(decimals) if decimals is not None else panel


def lines(
    title: str,
    about: str,
    targets: Sequence[Target],
    unit: str,
    *,
    colors: Mapping[str, str] | None = None,
    empty: str = QUIET,
    at_most: float | None = None,
    bounds: d.ThresholdsConfig | None = None,
) -> timeseries.Panel:
    """Lines over time from zero up. `colors` are by the names in the legend; `bounds` are drawn as dashed lines."""
    panel = _over_time(title, about, targets, unit).min(0).no_value(empty)
    if at_most is not None:
        panel.max(at_most)
    if bounds is not None:
        panel.thresholds(bounds).thresholds_style(
            c.GraphThresholdsStyleConfig().mode(cm.GraphThresholdsStyleMode.DASHED)
        )
    return _colored(panel, colors)


def latencies(
    title: str, about: str, targets: Sequence[Target], *, colors: Mapping[str, str] | None = None
) -> timeseries.Panel:
    """Seconds over decades: a logarithmic axis, which must not have a text for an empty panel. The mean is thick, the
    95th percentile dashed, by the first word of the legend."""
    panel = _over_time(title, about, targets, look.SECONDS).scale_distribution(
        c.ScaleDistributionConfig().type(cm.ScaleDistribution.LOG).log(10)
    )
    panel.override_by_regexp("/^mean/", [V("custom.lineWidth", 2)])
    panel.override_by_regexp("/^p95/", [V("custom.lineStyle", {"fill": "dash", "dash": [2, 4]})])
    return _colored(panel, colors)


def stacked(
    title: str,
    about: str,
    targets: Sequence[Target],
    unit: str,
    *,
    colors: Mapping[str, str] | None = None,
    empty: str = QUIET,
) -> timeseries.Panel:
    """Parts of a whole over time. The one kind that stacks."""
    panel = _over_time(title, about, targets, unit).min(0).no_value(empty).fill_opacity(60).line_width(0)
    panel.stacking(c.StackingConfig().mode(cm.StackingMode.NORMAL).group("A"))
    return _colored(panel, colors)


def distribution(title: str, about: str, query: str) -> heatmap.Panel:
    """How many answers took how long, with a mark for each example that leads to its trace."""
    return (
        heatmap.Panel()
        .title(title)
        .description(about)
        .unit("none")
        .calculate(False)
        .interval("15s")
        .max_data_points(120)
        .cell_gap(1)
        .show_legend()
        .exemplars_color("rgba(255,255,255,0.55)")
        .color(
            heatmap.HeatmapColorOptions()
            .mode(hm.HeatmapColorMode.SCHEME)
            .scheme("Turbo")
            .scale(hm.HeatmapColorScale.EXPONENTIAL)
            .exponent(0.5)
            .steps(64)
            .fill("dark-orange")
            .reverse(False)
        )
        .y_axis(heatmap.YAxisConfig().unit(look.SECONDS).axis_placement(cm.AxisPlacement.LEFT).decimals(2))
        .filter_values(heatmap.FilterValueRange().le(1e-9))
        .tooltip(heatmap.HeatmapTooltip().mode(cm.TooltipDisplayMode.SINGLE).y_histogram(True).show_color_scale(True))
        .no_value(QUIET)
        .with_target(buckets_over_time(query))
    )


def bars(
    title: str,
    about: str,
    target: Target,
    unit: str,
    bounds: d.ThresholdsConfig,
    *,
    at_most: float | None = 1.0,
    empty: str = QUIET,
) -> bargauge.Panel:
    """A bar for each series, as it is now. Without `at_most` the longest bar is the largest value."""
    panel = (
        bargauge.Panel()
        .title(title)
        .description(about)
        .unit(unit)
        .min(0)
        .no_value(empty)
        .thresholds(bounds)
        .display_mode(cm.BarGaugeDisplayMode.BASIC)
        .orientation(cm.VizOrientation.HORIZONTAL)
        .value_mode(cm.BarGaugeValueMode.TEXT)
        .name_placement(cm.BarGaugeNamePlacement.LEFT)
        .text(c.VizTextDisplayOptions().title_size(14).value_size(16))
        .legend(_legend())
        .reduce_options(c.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
        .with_target(target)
    )
    return panel.max(at_most) if at_most is not None else panel


def states(title: str, about: str, target: Target, words: Mapping[int, tuple[str, str]]) -> statetimeline.Panel:
    """A band for each series; `words` say what a value means and its colour."""
    options = {
        str(value): dm.ValueMappingResult(text=word, color=color, index=at)
        for at, (value, (word, color)) in enumerate(words.items())
    }
    return (
        statetimeline.Panel()
        .title(title)
        .description(about)
        .unit("none")
        .min(0)
        .mappings([dm.ValueMap(options=options)])
        # With a colour of its own per value the legend would be empty, by thresholds the words would be ignored.
        .color_scheme(d.FieldColor().mode(dm.FieldColorModeId.FIXED).fixed_color("text"))
        .show_value(cm.VisibilityMode.NEVER)
        .row_height(0.8)
        .merge_values(True)
        .legend(_legend())
        .tooltip(_tooltip())
        .with_target(target)
    )


def rows(title: str, about: str, targets: Sequence[Target], *, empty: str, unit: str = look.COUNT) -> table.Panel:
    """A table; its columns are arranged by transformations of the one who asks for it."""
    return (
        table.Panel()
        .title(title)
        .description(about)
        .unit(unit)
        .no_value(empty)
        .thresholds(look.plain())
        .targets(list(targets))
    )


def columns(panel: table.Panel, names: Mapping[str, str], *, hidden: Sequence[str] = (), join: str = "") -> table.Panel:
    """Arrange a table: `names` are the columns as they come, in their order, and how they are called; `join` is the label
    by which several queries become one row each. Without a text of their own, empty cells would say what the table says
    when it has no rows."""
    if join:
        panel.with_transformation(
            dm.DataTransformerConfig(id_val="joinByField", options={"byField": join, "mode": "outer"})
        )
    times = ["Time", *(f"Time {number}" for number in range(1, 9))]
    panel.with_transformation(
        dm.DataTransformerConfig(
            id_val="organize",
            options={
                "excludeByName": dict.fromkeys((*times, *hidden), True),
                "indexByName": {name: at for at, name in enumerate(names)},
                "renameByName": dict(names),
            },
        )
    )
    return panel.override_by_regexp(".*", [V("noValue", "-")])


def column(
    panel: table.Panel,
    name: str,
    unit: str,
    *,
    empty: str = "",
    bounds: d.ThresholdsConfig | None = None,
    link: tuple[str, str] | None = None,
    decimals: int | None = None,
    colors: Mapping[str, str] | None = None,
) -> table.Panel:
    """How one column is shown: unit, what an empty cell says, colours of the cell, where a click leads (title, URL).
    `empty` is also said of what is not a number; `colors` are by the words in the cells."""
    shown = [V("unit", unit)]
    if empty:
        shown += [V("noValue", empty), V("mappings", [_plain(_not_a_number(empty))])]
    if decimals is not None:
        shown.append(V("decimals", decimals))
    if colors is not None:
        words = {word: {"color": color, "index": at} for at, (word, color) in enumerate(colors.items())}
        shown += [
            V("mappings", [{"type": "value", "options": words}]),
            V("custom.cellOptions", {"type": "color-text"}),
        ]
    if bounds is not None:
        shown += [
            V("thresholds", bounds.build()),
            V("custom.cellOptions", {"type": "color-background", "mode": "basic"}),
        ]
    if link is not None:
        shown.append(V("links", [{"title": link[0], "url": link[1]}]))
    return panel.override_by_name(name, shown)


def longest_first(name: str) -> c.TableSortByFieldState:
    """The order of a table, by the column's shown name."""
    return c.TableSortByFieldState().display_name(name).desc(True)


def words(title: str, about: str, markdown: str) -> text.Panel:
    """A text. It needs no title."""
    return text.Panel().title(title).description(about).content(markdown).transparent(True)


def waterfall(title: str, about: str) -> d.Panel:
    """The trace that `$traceId` names. An error without one, so it stands alone on a dashboard that links lead to."""
    return (
        d.Panel()
        .type("traces")
        .title(title)
        .description(about)
        .options({})
        .datasource(TEMPO)
        .with_target(trace("${traceId}"))
    )


def _over_time(title: str, about: str, targets: Sequence[Target], unit: str) -> timeseries.Panel:
    return (
        timeseries.Panel()
        .title(title)
        .description(about)
        .unit(unit)
        .show_points(cm.VisibilityMode.NEVER)
        .span_nulls(False)
        .line_width(1)
        .fill_opacity(0)
        .legend(_legend())
        .tooltip(_tooltip())
        .targets(list(targets))
    )


def _colored(panel: timeseries.Panel, colors: Mapping[str, str] | None) -> timeseries.Panel:
    for model, color in look.MODELS.items():
        # Anywhere in the name: "mean llama3.2:3b", "llama3.2:3b queue_full".
        pattern = f"/(^| ){model.replace('.', '[.]')}( |$)/"
        panel.override_by_regexp(pattern, [V("color", {"mode": "fixed", "fixedColor": color})])
    for name, color in (colors or {}).items():
        panel.override_by_name(name, [V("color", {"mode": "fixed", "fixedColor": color})])
    return panel


def _legend() -> c.VizLegendOptions:
    return (
        c.VizLegendOptions()
        .display_mode(cm.LegendDisplayMode.LIST)
        .placement(cm.LegendPlacement.BOTTOM)
        .show_legend(True)
        .calcs([])
    )


def _tooltip() -> c.VizTooltipOptions:
    return c.VizTooltipOptions().mode(cm.TooltipDisplayMode.MULTI).sort(cm.SortOrder.DESCENDING)


def _plain(mapping: dm.SpecialValueMap) -> Any:
    """As overrides need it: plain JSON."""
    return json.loads(JSONEncoder().encode(mapping))


def _not_a_number(empty: str) -> dm.SpecialValueMap:
    return dm.SpecialValueMap(
        options=dm.DashboardSpecialValueMapOptions(
            match=dm.SpecialValueMatch.NULL_AND_NAN,
            result=dm.ValueMappingResult(text=empty, color="text", index=0),
        )
    )
