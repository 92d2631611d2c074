"""An answer on the terminal: text, numbered sources, what was missing, and on request why and where the time went.

Works on the answer object of `POST /ask`, whoever made it.
"""

from collections.abc import Mapping
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from service.cli.wording import DEGRADED, count, plain, seconds

_BAR_CELLS = 32
_EIGHTHS = " ▏▎▍▌▋▊▉"
_QUOTE_CHARS = 160
_QUOTED = "Quoted word for word from the documents; no language model wrote this."
_CACHED = {
    "miss": "not kept before; made now",
    "expired": "the kept answer was too old; made again",
    "invalidated": "kept, but documents or model have changed since; made again",
    "bypass": "not asked, as wished",
    "coalesced": "shared with an identical question that was being answered",
}
_WORDS = {"policy": "by policy", "requested": "as requested"}


class AnswerScreen:
    """Prints one answer, streamed or at once. `explain` adds routing, cache and the waterfall."""

    def __init__(self, out: Console, *, explain: bool = False) -> None:
        self._out = out
        self._explain = explain
        self._streamed = False
        self._thinking = False

    def token(self, text: str, *, thinking: bool = False) -> None:
        """A piece of the text, as it comes. Thinking is shown dim, and apart from the answer."""
        if self._thinking and not thinking:
            self._out.print("\n")
        self._thinking = thinking
        self._streamed = self._streamed or not thinking
        self._out.print(plain(text), end="", soft_wrap=True, style="dim" if thinking else "")

    def end(self, answer: Mapping[str, Any]) -> None:
        """The whole answer; its text only if it was not streamed."""
        if self._streamed:
            self._out.print()
        else:
            self._out.print(plain(answer["answer"]), soft_wrap=True)
        for note in notes(answer):
            self._out.print(note, style="yellow", soft_wrap=True)
        self._sources(answer)
        self._out.print()
        self._out.print(head(answer), style="dim", soft_wrap=True)
        if self._explain:
            self._out.print()
            self._out.print(explanation(answer))

    def _sources(self, answer: Mapping[str, Any]) -> None:
        """Quotes are in the answer itself when it is made of them."""
        if not answer["citations"]:
            return
        self._out.print("\nSources", style="bold")
        quoting = answer["mode"] != "extractive"
        for number, cited in enumerate(answer["citations"], 1):
            where = f"[{number}] {plain(cited['source'])}, characters {cited['start']}-{cited['end']}"
            self._out.print(where, soft_wrap=True)
            if quoting:
                self._out.print(f"    {_shortened(cited['text'])}", style="dim", soft_wrap=True)


def notes(answer: Mapping[str, Any]) -> list[str]:
    """How the answer was made, if not by a model with everything at hand, in plain words."""
    notice = plain(answer["notice"] or (_QUOTED if answer["mode"] == "extractive" else ""))
    degraded = [f"Note: {DEGRADED.get(one, plain(one))}." for one in answer["degraded"]]
    return [*([f"\n{notice}"] if notice else []), *degraded]


def head(answer: Mapping[str, Any]) -> str:
    """One line: who answered, how long it took, what the cache did."""
    facts = [plain(answer["model"] or answer["mode"]), f"tier {answer['tier']}", seconds(answer["timings"]["total_s"])]
    cache = answer["cache"]
    age = "" if cache["age_s"] is None else f", {seconds(cache['age_s'])} old"
    facts.append(f"cache {cache['result']}{age}")
    if answer["trace_id"]:
        facts.append(f"trace {plain(answer['trace_id'])}")
    return " · ".join(facts)


def explanation(answer: Mapping[str, Any]) -> RenderableType:
    """Why this model, what the cache did, and where the time went."""
    routing, cache = answer["routing"], answer["cache"]
    chosen = plain(routing["chosen"] or "no model")
    reason = _WORDS.get(routing["reason"], plain(routing["reason"]).replace("_", " "))
    lines = [f"asked for {plain(routing['requested'])}, chose {chosen} (tier {routing['tier']}), {reason}"]
    lines += [plain(line) for line in routing["explanation"]]
    features = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in routing["features"].items() if value)
    lines.append(f"read from the question: {features or 'nothing'}")
    return Group(
        _section("Routing", lines),
        _section("Cache", [_cache_words(cache)]),
        _section("Tokens", [_token_words(answer)]),
        Text("Time", style="bold"),
        waterfall(answer["timings"]),
    )


def waterfall(timings: Mapping[str, float]) -> RenderableType:
    """One bar per stage, each beginning where the one before it ended; bars of at least an eighth of a cell."""
    total = timings["total_s"]
    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column(justify="right")
    table.add_column(justify="right")
    table.add_column(no_wrap=True)
    begun = 0.0
    for name, spent in timings.items():
        if name == "total_s":
            continue
        share = spent / total if total > 0 else 0.0
        stage = plain(name.removesuffix("_s")).replace("_", " ")
        style = "dim" if name == "unaccounted_s" else "cyan"
        table.add_row(stage, seconds(spent), f"{share:.0%}", Text(bar(begun, share), style=style))
        begun += share
    table.add_row("total", seconds(total), "100%", "")
    return Padding(table, (0, 0, 0, 2), expand=False)


def bar(begun: float, share: float, cells: int = _BAR_CELLS) -> str:
    """Blocks for `share` of the width, after `begun` of it (both 0..1), to an eighth of a cell."""
    before = min(cells, int(begun * cells))
    eighths = max(1, round((begun + share) * cells * 8) - before * 8) if share > 0 else 0
    eighths = min(eighths, (cells - before) * 8) if before < cells else min(eighths, 0)
    return " " * before + "█" * (eighths // 8) + (_EIGHTHS[eighths % 8] if eighths % 8 else "")


def _section(title: str, lines: list[str]) -> RenderableType:
    return Group(Text(title, style="bold"), *(Text(f"  {line}") for line in lines), Text())


def _cache_words(cache: Mapping[str, Any]) -> str:
    if cache["result"] != "hit":
        words = _CACHED.get(cache["result"], plain(cache["result"]))
        return words + (f" (trace {plain(cache['origin_trace_id'])})" if cache["origin_trace_id"] else "")
    made = f"kept {seconds(cache['age_s'])} ago"
    return made + (f", made in trace {plain(cache['origin_trace_id'])}" if cache["origin_trace_id"] else "")


def _token_words(answer: Mapping[str, Any]) -> str:
    usage = answer["usage"]
    if not usage["output_tokens"]:
        return "none: no model wrote this"
    return f"{count(usage['input_tokens'], 'token')} read, {count(usage['output_tokens'], 'token')} written"


def _shortened(text: str) -> str:
    line = " ".join(plain(text).split())
    return line if len(line) <= _QUOTE_CHARS else line[: _QUOTE_CHARS - 1].rstrip() + "…"
