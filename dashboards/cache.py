"""Cache and routing: what was kept and why not, which model got what and why, and what the search found."""

from grafana_foundation_sdk.builders import dashboard as d

from dashboards import frame, look, panels
from dashboards import queries as q
from dashboards.grid import Grid
from dashboards.sources import over_time
from prometheus import promql
from prometheus.thresholds import Thresholds
from service.telemetry import catalogue as c
from service.telemetry.catalogue import MODEL_LABEL as MODEL

UID = "cache"
_E = q.ENVIRONMENT
_FURTHER = (
    (
        "prompt",
        "A prompt is made anew when documents or settings changed. Only misses for long: retrieval finds something else each time.",
    ),
    (
        "embedding",
        "The same text again needs no embedder. Few hits are usual for new questions; none while documents are taken again is not.",
    ),
)
_ANOTHER = ("stepped_down", "stepped_up", "unavailable")


def build(limits: Thresholds) -> d.Dashboard:
    """The dashboard."""
    grid = Grid()
    made = frame.dashboard(
        UID,
        "Cache and routing",
        "What the cache answers and why not more, which model gets which question and why, and what the search finds.",
    )
    made.with_row(grid.row("Does the cache help?"))
    _fill(made, grid, _lookups(limits))
    made.with_row(grid.row("Is it large enough, and what does it save?"))
    _fill(made, grid, _kept(limits))
    made.with_row(grid.row("Who gets which question?"))
    _fill(made, grid, _routing())
    made.with_row(grid.row("What does the search find?"))
    _fill(made, grid, _search(limits))
    made.with_row(grid.row("Documents and requests"))
    _fill(made, grid, _documents(limits))
    return made


def _fill(made: d.Dashboard, grid: Grid, row: list[object]) -> None:
    """Three to a line, and whole lines: four become two twos, of five the last two are wider."""
    for at, panel in enumerate(row):
        made.with_panel(grid.place(panel, 12 if len(row) == 4 or at >= 3 else 8, 7))


def _lookups(limits: Thresholds) -> list[object]:
    return [
        panels.lines(
            "Share of lookups that found something, by cache",
            "A fall after new documents or models is right. A lasting one: look at why entries leave, and whether questions repeat at all.",
            [
                over_time(q.hit_share(name), name, ref)
                for ref, name in zip("ABC", ("answer", "prompt", "embedding"), strict=True)
            ],
            look.RATIO,
            at_most=1,
            bounds=look.steps((None, "transparent"), (limits.ratio.cache_hits_low[0], look.DOUBTFUL)),
        ),
        panels.lines(
            "Lookups of answers per second, by result",
            "`expired`: the time to live is short for these questions. `invalidated`: documents or models changed. `bypass`: the request said so.",
            [over_time(q.rate(c.CACHE_REQUESTS, f'{_E},cache="answer"', ("result",)), "{{result}}")],
            look.PER_SECOND,
            colors=look.CACHE,
        ),
        *(_lookups_of(name, about) for name, about in _FURTHER),
        _hit_and_miss(limits),
    ]


def _lookups_of(name: str, about: str) -> object:
    return panels.lines(
        f"Lookups of {name}s per second, by result",
        about,
        [over_time(q.rate(c.CACHE_REQUESTS, f'{_E},cache="{name}"', ("result",)), "{{result}}")],
        look.PER_SECOND,
        colors=look.CACHE,
    )


def _hit_and_miss(limits: Thresholds) -> object:
    asked = f'{_E},cache=~"hit|miss"'
    return panels.latencies(
        "How long an answer takes, by hit and miss",
        "Mean, and 95th percentile from 20 answers on, over 5 minutes or over 30 where these have fewer. A hit is some milliseconds: near a miss, the store of the cache is slow, or its disk. A miss that grew: Model detail.",
        [
            over_time(q.mean(c.ASK_DURATION, asked, ("cache",)), "mean {{cache}}", "A"),
            over_time(
                q.quantile_line(0.95, c.ASK_DURATION, asked, limits, ("cache",)), "p95 {{cache}}", "B", exemplars=True
            ),
        ],
        colors={f"{what} {result}": look.CACHE[result] for what in ("mean", "p95") for result in ("hit", "miss")},
    ).data_links([frame.slower(frame.ANY_MODEL)])


def _kept(limits: Thresholds) -> list[object]:
    return [
        panels.lines(
            "Seconds of work that hits saved, per second",
            "Above 1 the cache does more than one model could. Near 0 with many hits: what is kept was cheap to make.",
            [over_time(q.rate(c.CACHE_SAVED, _E, ("cache",)), "{{cache}}")],
            look.SECONDS,
        ),
        panels.lines(
            "Entries kept",
            "Flat at RAG_CACHE__MAX_ENTRIES, while entries leave for reason `entries`: raise it if memory allows.",
            [over_time(q.gauge(c.CACHE_ENTRIES, _E, ("cache",)), "{{cache}}")],
            look.COUNT,
        ),
        panels.lines(
            "Bytes kept",
            "Flat at RAG_CACHE__MAX_BYTES, while entries leave for reason `bytes`: raise it if memory allows.",
            [over_time(q.gauge(c.CACHE_SIZE, _E, ("cache",)), "{{cache}}")],
            look.BYTES,
        ),
        panels.lines(
            "Entries that left in 30 minutes, by why",
            "`expired` is usual. `entries`, `bytes`: no room, the bounds are too small for what is asked. `cleared`: somebody emptied it.",
            [over_time(q.increase(c.CACHE_EVICTIONS, _E, ("cache", "reason"), q.LATELY), "{{cache}} {{reason}}")],
            look.COUNT,
            empty="none left",
        ),
        panels.latencies(
            "How old is what a hit finds",
            "Median and 95th percentile of the hits of 5 minutes, or of 30 where these are fewer than 20. Close to RAG_CACHE__TTL_S: a longer time to live would give more hits, if answers may be that old.",
            [
                over_time(q.quantile_line(0.5, c.CACHE_HIT_AGE, f'{_E},cache="answer"', limits), "p50", "A"),
                over_time(q.quantile_line(0.95, c.CACHE_HIT_AGE, f'{_E},cache="answer"', limits), "p95", "B"),
            ],
        ),
    ]


def _routing() -> list[object]:
    return [
        panels.lines(
            "Questions per second, by tier",
            "What people ask. A shift towards complex and research makes everything slower without any fault.",
            [over_time(q.rate(c.ROUTING_DECISIONS, _E, ("tier",)), "{{tier}}")],
            look.PER_SECOND,
        ),
        panels.lines(
            "Questions per second, by model",
            "`none`: no model could answer, and the documents were quoted. See GPU and Ollama for what is installed.",
            [over_time(q.rate(c.ROUTING_DECISIONS, _E, (MODEL,)), f"{{{{{MODEL}}}}}")],
            look.PER_SECOND,
        ),
        panels.lines(
            "Questions per second, by why that model",
            "`stepped_down`, `stepped_up`, `unavailable`: the model that was meant was missing, full or failing. Install or free it.",
            [over_time(q.rate(c.ROUTING_DECISIONS, _E, ("reason",)), "{{reason}}")],
            look.PER_SECOND,
        ),
        panels.lines(
            "Share that another model answered than was meant",
            "`stepped_down`: a smaller one, `stepped_up`: a larger one, `unavailable`: none. For long: the model that was meant is missing, full or failing; GPU and Ollama says which. `_OTHER` in the panel before: some are counted there, and these shares are too low; see Telemetry health.",
            [
                over_time(_share_of_reason(reason), reason.replace("_", " "), ref)
                for ref, reason in zip("ABC", _ANOTHER, strict=True)
            ],
            look.RATIO,
            at_most=1,
        ),
    ]


def _share_of_reason(reason: str) -> str:
    return promql.share(
        q.rate(c.ROUTING_DECISIONS, f'{_E},reason="{reason}"', (), q.WITHIN),
        q.rate(c.ROUTING_DECISIONS, _E, (), q.WITHIN),
    )


def _search(limits: Thresholds) -> list[object]:
    searches = q.rate(c.RETRIEVAL_RESULTS, _E, (), q.WITHIN, "_count")
    return [
        panels.lines(
            "Passages found per search",
            "Mean above the floor. A fall after new documents: they are cut badly or in another language; RAG_RETRIEVAL__FLOOR decides.",
            [over_time(q.mean(c.RETRIEVAL_RESULTS, _E), "mean")],
            look.COUNT,
        ),
        panels.lines(
            "Share of searches that found nothing",
            "People ask what is not in the documents: add them, or see that the embedder works (below and GPU and Ollama).",
            [over_time(promql.share(q.rate(c.NO_CONTEXT, _E, (), q.WITHIN), searches), "nothing found")],
            look.RATIO,
            at_most=1,
            bounds=look.steps((None, "transparent"), (limits.ratio.no_context[1], look.BAD)),
        ),
        panels.lines(
            "Something is missing",
            "1 while answers have to do without it; the page and `emini-rag doctor` say what to do about each.",
            [over_time(f"{q.gauge(c.DEGRADED, _E, ('feature',))} > 0", "{{feature}}")],
            look.COUNT,
            at_most=1,
            empty="nothing is missing",
        ),
    ]


def _documents(limits: Thresholds) -> list[object]:
    return [
        panels.lines(
            "Documents and chunks that can be found",
            "A fall nobody wanted: see the log of the service for what was deleted. Chunks without growth of documents: they were cut anew.",
            [
                over_time(q.gauge(c.CORPUS_DOCUMENTS, _E), "documents", "A"),
                over_time(q.gauge(c.CORPUS_CHUNKS, _E), "chunks", "B"),
            ],
            look.COUNT,
        ),
        panels.lines(
            "Documents taken in 30 minutes, by result",
            "`failed` and `rejected`: the service's log and the answer to the upload say why.",
            [over_time(q.increase(c.INGESTED, _E, ("result",), q.LATELY), "{{result}}")],
            look.COUNT,
            empty="none",
        ),
        panels.latencies(
            "Time to make a document findable",
            "Mean. Long: large files, or an embedder that is slow or loads for each; see GPU and Ollama.",
            [over_time(q.mean(c.INGEST_DURATION, _E, (), q.LATELY), "mean", "A", exemplars=True)],
        ),
        panels.lines(
            "Requests per second, by route and status",
            "4xx: clients that send what is not right. 5xx: failures; Slow queries lists those of questions. 499: clients that left.",
            [
                over_time(
                    q.rate(c.HTTP_DURATION, _E, ("route", "status_class"), suffix="_count"),
                    "{{route}} {{status_class}}",
                )
            ],
            look.PER_SECOND,
        ),
        panels.latencies(
            "95th percentile of requests, by route",
            "From 20 requests on, over 5 minutes, or over 30 where these have fewer. A route other than /ask that is slow: the service itself, or its disk, is busy.",
            [over_time(q.quantile_line(0.95, c.HTTP_DURATION, _E, limits, ("route",)), "{{route}}", exemplars=True)],
        ),
    ]
