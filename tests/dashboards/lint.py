"""The rules that dashboards keep, each a small function from a dashboard to what is wrong with it."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

import promql_parser

from dashboards import look
from service.telemetry.catalogue import Attribute
from tests.dashboards import traceql
from tests.dashboards.boards import TEXTUAL, WITH_LEGEND, Board, Panel, Target, strings
from tests.dashboards.names import Known, exposed, foreign_names, recorded
from tests.dashboards.promql import filled, groupings, quantiles_without_le, uses, variables_in
from tests.dashboards.ways import cells, menu, reach

Rule = Callable[[Board], Iterator[str]]
COLUMNS = 24
_SOURCES = {"prometheus": ("${datasource}", "${other}"), "tempo": ("${tempo}",)}
_EXPOSED = exposed()
_FOREIGN = foreign_names() | recorded()
_LINK = re.compile(r"/d/([\w-]+)(\?[^\s\"']*)?")
_VARIABLE = re.compile(r"(?:^|[?&])var-([\w-]+)=|\$\{(\w+):queryparam\}")
_ADVICE = 40


def identity(board: Board) -> Iterator[str]:
    """The file is called as the dashboard; ids and titles are its own."""
    if board.raw.get("uid") != board.name:
        yield f"its uid is {board.raw.get('uid')}, its file {board.name}"
    ids = [panel.id for panel in board.panels]
    if ids != list(range(1, len(ids) + 1)):
        yield f"the ids {ids} are not the order of the panels"
    titles = [panel.title for panel in board.panels if panel.title]
    for title in {title for title in titles if titles.count(title) > 1}:
        yield f"two panels are called {title!r}"


def places(board: Board) -> Iterator[str]:
    """Nothing beyond the edge, nothing over another."""
    cells: dict[tuple[int, int], str] = {}
    for panel in board.panels:
        place = panel.raw["gridPos"]
        if place["x"] + place["w"] > COLUMNS:
            yield f"{panel.title!r} goes beyond column {COLUMNS}"
        for cell in (
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        ):
            if cell in cells:
                yield f"{panel.title!r} lies over {cells[cell]!r}"
                break
            cells[cell] = panel.title


def explained(board: Board) -> Iterator[str]:
    """Each panel says what it is and what to do; the dashboard says what it is for."""
    if not board.raw.get("description"):
        yield "it says nowhere what it is for"
    for panel in _with_data(board):
        if not panel.title:
            yield f"panel {panel.id} has no title"
        if len(panel.description) < _ADVICE:
            yield f"{panel.title!r} does not say what to do"


def units(board: Board) -> Iterator[str]:
    """A unit everywhere; linear axes start at zero."""
    for panel in _with_data(board):
        if not panel.defaults.get("unit"):
            yield f"{panel.title!r} has no unit"
        if (
            panel.kind in ("timeseries", "stat", "bargauge")
            and not panel.is_logarithmic
            and panel.defaults.get("min") != 0
        ):
            yield f"{panel.title!r} does not start at zero"


def empty(board: Board) -> Iterator[str]:
    """What an empty panel says; on a logarithmic axis such a text would stand at every tick."""
    for panel in _with_data(board):
        text = panel.defaults.get("noValue")
        if panel.is_logarithmic and text:
            yield f"{panel.title!r} has a logarithmic axis and noValue"
        if not panel.is_logarithmic and panel.kind != "state-timeline" and not text:
            yield f"{panel.title!r} says nothing when it is empty"
        if text and text.strip().isdecimal():
            yield f"{panel.title!r} says a number when it is empty"


def legends(board: Board) -> Iterator[str]:
    """A legend and a tooltip for all series where there can be several."""
    for panel in board.panels:
        if panel.kind in WITH_LEGEND and panel.options.get("legend", {}).get("showLegend") is not True:
            yield f"{panel.title!r} has no legend"
        if panel.kind in ("timeseries", "state-timeline") and panel.options.get("tooltip", {}).get("mode") != "multi":
            yield f"{panel.title!r} shows one series in its tooltip"
        if panel.kind == "stat" and not panel.options.get("reduceOptions", {}).get("calcs"):
            yield f"{panel.title!r} does not say which value it shows"


def sources(board: Board) -> Iterator[str]:
    """Data sources by variable only."""
    for where, target in _targets(board):
        if target.source.get("uid") not in _SOURCES.get(target.source.get("type", ""), ()):
            yield f"{where} asks {target.source}"
    for variable in board.variables.values():
        if variable["type"] == "query" and variable["datasource"]["uid"] not in ("${datasource}", "${other}"):
            yield f"the variable {variable['name']} asks {variable['datasource']}"


def variables(board: Board) -> Iterator[str]:
    """Every variable has a value from the start, every one that is used exists, and every one that exists is used."""
    for name, variable in board.variables.items():
        if not variable.get("current", {}).get("value"):
            yield f"the variable {name} is empty at first"
    used = {name for _, text in strings(board.raw) for name in variables_in(text)}
    for name in sorted(used - set(board.variables)):
        yield f"there is no variable {name}"
    for name in sorted(set(board.variables) - used):
        yield f"nothing uses the variable {name}"


def queries(board: Board) -> Iterator[str]:
    """Every target has a name of its own, and its query can be parsed."""
    for panel in board.panels:
        refs = [target.ref for target in panel.targets]
        if len(set(refs)) != len(refs) or "" in refs:
            yield f"{panel.title!r} has targets called {refs}"
    for where, expression in _promql(board):
        try:
            promql_parser.parse(filled(expression, _values(board)))
        except (ValueError, KeyError) as error:
            yield f"{where}: {error}: {expression}"
    for where, target in _targets(board):
        if target.source.get("type") == "tempo" and target.query != "${traceId}":
            try:
                traceql.fields(_in_traceql(target.query, board))
            except (traceql.Refused, KeyError) as error:
                yield f"{where}: {error}"


def metrics(board: Board) -> Iterator[str]:
    """Only metrics, labels, label values and buckets that exist; rates of what counts, and of nothing else."""
    for where, expression in _parsed(board):
        yield from (f"{where}: {fault}" for fault in misused(expression))


def misused(expression: promql_parser.Expr) -> Iterator[str]:
    """The same of one expression, a panel's or a rule's."""
    for use in uses(expression):
        known = _EXPOSED.get(use.metric)
        if known is not None:
            yield from _misused(use.metric, known, use.matchers, use.function)
        elif use.metric not in _FOREIGN:
            yield f"nobody exposes {use.metric}"
    for labels, below in groupings(expression):
        for metric in below & _EXPOSED.keys():
            for label in labels:
                if label not in (_EXPOSED[metric].labels or ()) and not _made(label, expression):
                    yield f"{metric} has no label {label}"
    for quantile in quantiles_without_le(expression):
        yield f"the bounds are summed away in {quantile}"


def attributes(board: Board) -> Iterator[str]:
    """Only attributes of spans that exist."""
    known = span_fields()
    for where, target in _targets(board):
        if target.source.get("type") != "tempo" or target.query == "${traceId}":
            continue
        try:
            named = traceql.fields(_in_traceql(target.query, board))
        except (traceql.Refused, KeyError):
            continue  # told by another rule
        for field in sorted(named):
            scope, _, name = field.partition(".")
            if scope in ("span", "resource") and name not in known:
                yield f"{where}: no span has {field}"


def kinds(board: Board) -> Iterator[str]:
    """The settings without which a kind of panel shows something wrong."""
    for panel in board.panels:
        if panel.kind == "heatmap" and any(target.raw.get("format") != "heatmap" for target in panel.targets):
            yield f"{panel.title!r} would draw cumulative counts"
        if (
            panel.kind in ("state-timeline", "status-history")
            and panel.defaults.get("color", {}).get("mode") == "thresholds"
        ):
            yield f"{panel.title!r} would ignore its words"
        if panel.kind == "timeseries":
            stacking = panel.defaults.get("custom", {}).get("stacking", {}).get("mode", "none")
            if stacking != "none" and panel.defaults.get("custom", {}).get("fillOpacity", 0) == 0:
                yield f"{panel.title!r} stacks by accident"
        yield from _bands(panel)
        yield from _columns(panel)
    for key, text in strings(board.raw):
        if key == "placement" and text == "inControlsMenu":
            yield "something is put into a menu by the SDK's default"
    for where, expression in _promql(board):
        if "changes(" in expression and "_info" in expression:
            yield f"{where}: an info metric never changes"


def links(board: Board, boards: Sequence[Board]) -> Iterator[str]:
    """Every link to a dashboard leads to one, with variables that it has."""
    there = {other.name: other for other in boards}
    for key, text in strings(board.raw):
        if key != "url" and "/d/" not in text:
            continue
        for uid, rest in _LINK.findall(text):
            if uid not in there:
                yield f"a link leads to {uid}, which is not there"
                continue
            for match in _VARIABLE.finditer(rest):
                name = match[1] or match[2]
                if name not in there[uid].variables:
                    yield f"a link gives {uid} the variable {name}, which it has not"


def colours(board: Board) -> Iterator[str]:
    """A name that has a colour has it everywhere."""
    fixed: dict[str, str] = {}
    for vocabulary in (look.OUTCOMES, look.STAGES, look.PHASES, look.ENVIRONMENTS, look.MODELS):
        fixed.update(vocabulary)
    for panel in board.panels:
        for override in panel.overrides:
            name = override["matcher"].get("options")
            for one in override["properties"]:
                if one["id"] == "color" and name in fixed and one["value"].get("fixedColor") != fixed[name]:
                    yield f"{panel.title!r} paints {name} {one['value'].get('fixedColor')}"


RULES: Mapping[str, Rule] = {
    rule.__name__: rule
    for rule in (
        identity,
        places,
        explained,
        units,
        empty,
        legends,
        sources,
        variables,
        queries,
        metrics,
        attributes,
        kinds,
        reach,
        cells,
        menu,
        colours,
    )
}


def faults(board: Board, boards: Sequence[Board]) -> list[str]:
    """Everything that is wrong with a dashboard."""
    found = [f"{name}: {fault}" for name, rule in RULES.items() for fault in rule(board)]
    return found + [f"links: {fault}" for fault in links(board, boards)]


def shown(boards: Sequence[Board]) -> set[str]:
    """Every metric that some panel looks at."""
    return {use.metric for board in boards for _, expression in _parsed(board) for use in uses(expression)}


def _with_data(board: Board) -> Iterator[Panel]:
    return (panel for panel in board.panels if panel.kind not in TEXTUAL)


def _targets(board: Board) -> Iterator[tuple[str, Target]]:
    for panel in board.panels:
        for target in panel.targets:
            yield f"{panel.title!r} {target.ref}", target


def _promql(board: Board) -> Iterator[tuple[str, str]]:
    for where, target in _targets(board):
        if target.source.get("type") == "prometheus":
            yield where, target.expr
    for annotation in board.annotations:
        if expression := annotation.get("expr"):
            yield f"annotation {annotation['name']!r}", expression


def _parsed(board: Board) -> Iterator[tuple[str, promql_parser.Expr]]:
    for where, expression in _promql(board):
        try:
            yield where, promql_parser.parse(filled(expression, _values(board)))
        except (ValueError, KeyError):
            continue  # told by another rule


def _values(board: Board) -> dict[str, str]:
    """A value of every variable, as the dashboard has it when it is opened."""
    found = {}
    for name, variable in board.variables.items():
        value = variable.get("current", {}).get("value", "")
        value = value[0] if isinstance(value, list) else value
        found[name] = ".*" if value == "$__all" else str(value)
    return found


def _in_traceql(query: str, board: Board) -> str:
    return filled(query, _values(board))


def _misused(metric: str, known: Known, matchers: Sequence[tuple[str, str, str]], function: str) -> Iterator[str]:
    for label, sign, value in matchers:
        if label not in (known.labels or ()):
            yield f"{metric} has no label {label}"
        words = re.split(r"\|", value.strip("()")) if sign in ("=~", "!~") else [value]
        plain = [word for word in words if re.fullmatch(r"[\w.+-]*", word) and word]
        for word in plain if label in known.values else ():
            if word not in known.values[label]:
                yield f"{label} of {metric} is never {word}"
        if label == "le" and sign == "=" and value not in known.bounds:
            yield f"{metric} has no bucket {value}"
    counting = function in ("rate", "irate", "increase", "resets")
    if counting and not known.counts:
        yield f"{metric} is no counter, and {function} is taken of it"
    if not counting and known.counts and not function.startswith(("last_over", "absent", "timestamp")):
        yield f"{metric} counts for ever, and is shown as it is"


def _made(label: str, expression: promql_parser.Expr) -> bool:
    """Labels that the expression makes itself."""
    return f'"{label}"' in str(expression)


def span_fields() -> frozenset[str]:
    """Attributes that spans and their resource have."""
    own = {value for name, value in vars(Attribute).items() if name.isupper() and isinstance(value, str)}
    return frozenset(own | {"service.name", "deployment.environment.name", "service.version"})


def _bands(panel: Panel) -> Iterator[str]:
    names = {str(target.raw.get("legendFormat", "")) for target in panel.targets}
    for override in panel.overrides:
        for one in override["properties"]:
            if one["id"] == "custom.fillBelowTo" and one["value"] not in names:
                yield f"{panel.title!r} fills down to {one['value']!r}, which no legend is called"


def _columns(panel: Panel) -> Iterator[str]:
    refs = {target.ref for target in panel.targets}
    for change in panel.raw.get("transformations") or []:
        options = change.get("options", {})
        for part in ("renameByName", "indexByName", "excludeByName"):
            for column in options.get(part, {}):
                if column.startswith("Value #") and column.removeprefix("Value #") not in refs:
                    yield f"{panel.title!r} arranges {column}, and has no such target"
