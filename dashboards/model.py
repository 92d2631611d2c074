"""Model detail: one model against its own past: where its time goes, how fast it writes, what it was asked for."""

from grafana_foundation_sdk.builders import dashboard as d

from dashboards import frame, look, panels
from dashboards import queries as q
from dashboards import queries_normal as n
from dashboards.grid import Grid
from dashboards.panels import V
from dashboards.sources import now, over_time
from prometheus.thresholds import Thresholds
from service.telemetry import catalogue as c

UID = "model"
_CACHED = f'{q.MODELS},cache="$cache"'
VERSION = "service_version"


def build(limits: Thresholds) -> d.Dashboard:
    """The dashboard."""
    grid = Grid()
    made = frame.dashboard(
        UID,
        "Model detail",
        "One model: is it slower than it was, in which phase, and since when.",
        variables=[frame.model_variable(several=False), frame.cache_variable()],
    )
    made.with_row(grid.row("Is it slower?"))
    latency = grid.place(_latency(limits), 11, 9)
    made.with_panel(latency)
    made.with_panel(grid.place(_heatmap(), 10, 9))
    made.with_panel(grid.place(_answers(), 3, 9))
    for panel in (_over_bound(limits), _hit_and_miss(), _loads()):
        made.with_panel(grid.place(panel, 8, 7))
    made.with_row(grid.row("Is that unusual for it?"))
    for panel in (_against_itself(limits), _unusual(limits)):
        made.with_panel(grid.place(panel, 12, 8))
    made.with_row(grid.row("In which phase?"))
    for panel in (_phases(), _first(limits), _speed()):
        made.with_panel(grid.place(panel, 8, 8))
    made.with_row(grid.row("What was it asked, and how did it end?"))
    for panel in (_reasons(), _finishes(), _tokens()):
        made.with_panel(grid.place(panel, 8, 7))
    made.with_row(grid.row("Is it full, does it fail?"))
    for panel in (_places(), _rejections(), _failures()):
        made.with_panel(grid.place(panel, 8, 7))
    made.with_row(grid.row("Did a version change it?"))
    for panel in (_version_lines(), _versions(limits)):
        made.with_panel(grid.place(panel, 12, 7))
    marked = [latency.build().id_val]
    for annotation in frame.MARKS:
        made.annotation(annotation(marked))
    return made


def _latency(limits: Thresholds) -> object:
    panel = panels.latencies(
        "How long does an answer of $model take",
        "Mean, median and 95th percentile of $cache, the latter two over 5 minutes, or over 30 where these have fewer than 20 answers. Mean above the grey line, which is the mean of the day before: it is slower than usual. A step up at a mark is a deploy or a load; without one, see the phases below. A diamond opens a trace.",
        [
            over_time(q.mean(c.ASK_DURATION, _CACHED), "mean", "A"),
            over_time(q.mean_of_a_day(c.ASK_DURATION, _CACHED), "usual: mean of a day", "D"),
            over_time(q.quantile_line(0.5, c.ASK_DURATION, _CACHED, limits), "p50", "B"),
            over_time(q.quantile_line(0.95, c.ASK_DURATION, _CACHED, limits), "p95", "C", exemplars=True),
        ],
    )
    panel.override_by_regexp("/^usual/", [V("color", {"mode": "fixed", "fixedColor": look.PLAIN})])
    return panel.data_links([frame.slower(frame.CHOSEN)])


def _answers() -> object:
    return panels.number(
        "Answers, 5 min",
        "How many answers of $cache the lines beside it rest on. Below 20 the quantiles are of 30 minutes or not shown, and the mean jumps.",
        over_time(q.answers_in("5m", _CACHED), "answers"),
        look.COUNT,
        decimals=0,
    )


def _heatmap() -> object:
    return panels.distribution(
        "How many answers of $model took how long",
        "Of $cache. Two islands: cold and warm, or short and long answers. A diamond in the upper one opens the trace.",
        q.bucket_counts(_CACHED),
    ).data_links([frame.leads_to("Its slow queries", f"{frame.TO_SLOW}&{frame.CHOSEN}")])


def _over_bound(limits: Thresholds) -> object:
    targets = [
        over_time(q.slower_than(bound, f'{q.MODELS},tier="{tier}",cache!="hit"', ()), tier, ref)
        for ref, (tier, bound) in zip("ABCD", limits.slo.bound_s.items(), strict=True)
    ]
    bad = 1 - limits.slo.target
    return panels.lines(
        "Share of answers beyond the bound of their tier",
        f"Above {bad:.0%} the error budget shrinks. Only one tier: its questions have changed, or its model does not fit them; see the routing reasons.",
        targets,
        look.RATIO,
        at_most=1,
        bounds=look.steps((None, "transparent"), (bad, look.BAD)),
    ).data_links([frame.leads_to("Its slow queries", f"{frame.TO_SLOW}&{frame.CHOSEN}")])


def _hit_and_miss() -> object:
    return panels.latencies(
        "Mean time of hits and of misses",
        "A hit takes milliseconds whatever the model; slow hits mean that the service itself, or the disk, is busy.",
        [over_time(q.mean(c.ASK_DURATION, q.MODELS, ("cache",)), "{{cache}}")],
        colors=look.CACHE,
    ).data_links([frame.slower(frame.CHOSEN)])


def _loads() -> object:
    return panels.lines(
        "Answers that waited for a load, in 5 minutes",
        "Frequent loads: another model takes the memory, or `keep_alive` is short. GPU and Ollama shows who was resident.",
        [over_time(q.increase(c.MODEL_LOADS, q.MODELS), "loads")],
        look.COUNT,
    ).data_links([frame.leads_to("Which questions waited", f"{frame.TO_SLOW}&{frame.CHOSEN}")])


def _against_itself(limits: Thresholds) -> object:
    panel = panels.lines(
        "Mean of $model against its own usual",
        f"Of answers that a loaded model made, as the alert RagModelLatencyRegression compares them: the mean of the rules' short window, the median of the days before, and the value above which it fires if the share of long answers beside is unusual too. Both for {limits.regression.for_}: look for the phase below, and for a mark of a deploy above. The grey line climbs: a lasting step becomes usual after about two days.",
        [
            over_time(n.mean(), "mean", "A"),
            over_time(n.usual(), "usual", "B"),
            over_time(n.fires_above(limits), "fires above", "C"),
        ],
        look.SECONDS,
        empty="no usual yet",
    )
    panel.override_by_regexp("/^usual/", [V("color", {"mode": "fixed", "fixedColor": look.PLAIN})])
    panel.override_by_regexp("/^fires/", [V("color", {"mode": "fixed", "fixedColor": look.BAD})])
    return panel.data_links([frame.slower(frame.CHOSEN)])


def _unusual(limits: Thresholds) -> object:
    return panels.lines(
        "How unusual that is, in spreads",
        f"Both say how far $model is above its usual, in units of its own spread: the mean, and the share of answers beyond the bucket where it stands out most, which finds a slow tail. Both above {limits.regression.z:g}, or the share above {limits.regression.z_alone:g}, is no accident; the alert also wants the mean {limits.regression.factor:g} times its usual.",
        [over_time(n.z_mean(), "mean", "A"), over_time(n.z_share(), "share beyond a bucket", "B")],
        look.COUNT,
        empty="no usual yet",
        bounds=look.steps((None, "transparent"), (limits.regression.z, look.BAD)),
    ).data_links([frame.slower(frame.CHOSEN)])


def _phases() -> object:
    calls = q.rate(c.PHASE_DURATION, f'{q.MODELS},phase="eval"', (), suffix="_count")
    return panels.stacked(
        "Seconds of an answer in the model server, by phase",
        "Queue grew: too many at once. Load: see loads. Prompt eval: longer prompts. Eval: longer answers or a slower GPU.",
        [over_time(q.per_call(c.PHASE_DURATION, q.MODELS, ("phase",), calls), "{{phase}}")],
        look.SECONDS,
        colors=look.PHASES,
    ).data_links([frame.leads_to("Its slow calls", f"{frame.TO_SLOW}&{frame.CHOSEN}&var-stage=generate")])


def _first(limits: Thresholds) -> object:
    return panels.latencies(
        "Time to the first chunk and to the first word of the answer",
        "What a person waits before anything appears. The two differ by what a model thinks first. High with short prompts: cold loads or the queue.",
        [
            over_time(q.mean(c.FIRST_CHUNK, q.MODELS), "mean first chunk", "A"),
            over_time(q.mean(c.FIRST_ANSWER, q.MODELS), "mean first word", "B"),
            over_time(q.quantile_line(0.95, c.FIRST_ANSWER, q.MODELS, limits), "p95 first word", "C", exemplars=True),
        ],
    ).data_links([frame.slower(frame.CHOSEN, "&var-stage=generate")])


def _speed() -> object:
    return panels.lines(
        "Tokens written per second",
        "The GPU's own speed with this model; it does not depend on length. A fall: part of the model is not on the GPU, the GPU is hot, or somebody else uses it.",
        [over_time(q.mean(c.TOKENS_PER_SECOND, q.MODELS), "mean")],
        look.TOKENS_PER_SECOND,
    )


def _reasons() -> object:
    return panels.lines(
        "Questions per second by why this model got them",
        "`stepped_down` and `stepped_up`: the model that was meant was missing, full or failing. Much of it: see what is installed and resident.",
        [over_time(q.rate(c.ROUTING_DECISIONS, q.MODELS, ("reason",)), "{{reason}}")],
        look.PER_SECOND,
    )


def _finishes() -> object:
    return panels.lines(
        "Answers per second by why they ended",
        "`length`: cut at `max_tokens`, so raise it or ask for less. `other`: Ollama's log says why.",
        [over_time(q.rate(c.FINISHES, q.MODELS, ("reason",)), "{{reason}}")],
        look.PER_SECOND,
    )


def _tokens() -> object:
    return panels.lines(
        "Tokens per second, read and written",
        "Read grows with longer prompts, that is more or longer passages; written with longer answers. Both cost time in their phase.",
        [
            over_time(q.rate(c.INPUT_TOKENS, q.MODELS), "read", "A"),
            over_time(q.rate(c.OUTPUT_TOKENS, q.MODELS), "written", "B"),
        ],
        look.TOKENS_PER_SECOND,
    )


def _places() -> object:
    return panels.lines(
        "Questions at the model and waiting",
        "Waiting for long: the model is the bottleneck. Slots beyond OLLAMA_NUM_PARALLEL do not help; a smaller model for the tier does.",
        [
            over_time(q.gauge(c.ADMISSION_IN_FLIGHT, q.MODELS), "running", "A"),
            over_time(q.gauge(c.ADMISSION_WAITING, q.MODELS), "waiting", "B"),
            over_time(q.gauge(c.ADMISSION_CAPACITY, q.MODELS), "places", "C"),
        ],
        look.COUNT,
    )


def _rejections() -> object:
    return panels.lines(
        "Questions turned away, in 5 minutes",
        "`queue_full`: more at once than may wait. `queue_timeout`: no place became free in time. If it lasts, give the tier a smaller model, or this one more places.",
        [over_time(q.increase(c.REJECTIONS, q.MODELS, ("reason",)), "{{reason}}")],
        look.COUNT,
        empty="none",
    ).data_links([frame.leads_to("Which questions", f"{frame.TO_SLOW}&{frame.CHOSEN}")])


def _failures() -> object:
    return panels.lines(
        "Calls per second by how they ended",
        "`all` counts every call; each other line is a kind of failure, which is also on the spans: Slow queries lists them.",
        [
            over_time(q.rate(c.CALL_DURATION, q.MODELS, (), suffix="_count"), "all", "A"),
            over_time(
                q.rate(c.CALL_DURATION, f'{q.MODELS},error_type!=""', ("error_type",), suffix="_count"),
                "{{error_type}}",
                "B",
            ),
        ],
        look.PER_SECOND,
    )


def _version_lines() -> object:
    return panels.latencies(
        "Mean time, by version of the service",
        "Of $cache. A line that begins higher than the one before it ends: the version is slower, or it began with empty caches and cold models; see the table when it has enough answers.",
        [over_time(q.mean(c.ASK_DURATION, _CACHED, (VERSION,)), f"{{{{{VERSION}}}}}")],
    ).data_links([frame.slower(frame.CHOSEN)])


def _versions(limits: Thresholds) -> object:
    by = (VERSION,)
    panel = panels.rows(
        "Versions of the service, over the time shown",
        "The same model under different versions. A difference with enough answers on both sides is worth a look; compare before you roll back.",
        [
            now(q.answers_in("$__range", _CACHED, by), "n"),
            now(q.mean(c.ASK_DURATION, _CACHED, by, "$__range"), "mean"),
            now(q.quantile_or_nan(0.95, c.ASK_DURATION, _CACHED, limits, by, "$__range"), "p95"),
            now(q.over_bound(limits, _CACHED, by, "$__range"), "slow"),
            now(q.error_share(q.MODELS, by, "$__range"), "failed"),
        ],
        empty=panels.QUIET,
    )
    names = {
        VERSION: "Version",
        "Value #n": "Answers",
        "Value #mean": "Mean",
        "Value #p95": "p95",
        "Value #slow": "Beyond bound",
        "Value #failed": "Failed",
    }
    panels.columns(panel, names, join=VERSION)
    panels.column(panel, "Answers", look.COUNT, empty="0", decimals=0)
    panels.column(panel, "Mean", look.SECONDS)
    allowed = 1 - limits.slo.target
    panels.column(panel, "Beyond bound", look.RATIO, decimals=1, bounds=look.rising(allowed, 3 * allowed))
    panels.column(panel, "Failed", look.RATIO, decimals=1, bounds=look.rising(*limits.ratio.errors))
    return panels.column(panel, "p95", look.SECONDS, empty=f"n < {limits.quantiles.min_answers}")
