"""An answer on the terminal."""

import io
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from service.api.wire import answer_object
from service.ask.types import CacheFacts, Degradation, Mode, Timings
from service.cache.port import CacheResult
from service.cli.answer_screen import AnswerScreen, bar, head, notes
from tests.fakes.services import ANSWER, RESULT, TRACE


def shown(answer: dict[str, Any], *, explain: bool = False, tokens: tuple[str, ...] = (), thinking: str = "") -> str:
    out = io.StringIO()
    screen = AnswerScreen(Console(file=out, width=100, markup=False, highlight=False), explain=explain)
    if thinking:
        screen.token(thinking, thinking=True)
    for token in tokens:
        screen.token(token)
    screen.end(answer)
    return out.getvalue()


WHOLE = answer_object(RESULT)


def test_text_sources_and_how_it_was_made() -> None:
    lines = shown(WHOLE).splitlines()
    assert lines[0] == "Momentum trading buys what rises [1]."
    assert "[1] momentum.md, characters 10-29" in lines
    assert "    It buys what rises." in lines
    assert lines[-1] == f"llama3.2:3b · tier simple · 1.50 s · cache miss · trace {TRACE.trace_id}"


def test_a_streamed_text_is_not_printed_again() -> None:
    told = shown(WHOLE, tokens=("Momentum trading ", "buys what rises [1]."))
    assert told.count("Momentum trading buys what rises [1].") == 1


def test_thinking_stands_apart_and_the_answer_is_still_printed() -> None:
    told = shown(WHOLE, thinking="Hm, momentum?", tokens=("Momentum",))
    assert told.startswith("Hm, momentum?\n\nMomentum")
    assert "Momentum trading buys what rises [1]." in shown(WHOLE, thinking="Hm.")


def test_a_long_answer_is_not_folded() -> None:
    answer = answer_object(replace(RESULT, answer=replace(ANSWER, text="word " * 100)))
    assert shown(answer).splitlines()[0].rstrip() == ("word " * 100).rstrip()


def test_markup_and_control_characters_of_documents_do_nothing() -> None:
    cited = replace(ANSWER.citations[0], source="[red]\x1b[2Ja.md", text="[bold]\x1b]0;x\x07quote")
    told = shown(answer_object(replace(RESULT, answer=replace(ANSWER, text="[blink]\x1b[5m!", citations=(cited,)))))
    assert "\x1b" not in told
    assert "\x07" not in told
    assert "[blink][5m!" in told
    assert "[1] [red][2Ja.md" in told


def test_quotations_say_what_they_are_and_are_not_quoted_twice() -> None:
    quoted = replace(
        ANSWER, text="It buys what rises. [1]", mode=Mode.EXTRACTIVE, model=None, notice="Quoted, because.",
        degraded=(Degradation.LLM_UNREACHABLE, Degradation.NO_EMBEDDER), input_tokens=0, output_tokens=0,
    )  # fmt: skip
    told = shown(answer_object(replace(RESULT, answer=quoted)))
    assert "Quoted, because." in told
    assert "no language model could be reached" in told
    assert "searched by keywords only" in told
    assert told.count("It buys what rises.") == 1
    assert "extractive · tier simple" in told


def test_an_extractive_answer_without_a_notice_gets_one() -> None:
    answer = answer_object(replace(RESULT, answer=replace(ANSWER, mode=Mode.EXTRACTIVE)))
    assert "word for word" in notes(answer)[0]
    assert notes(WHOLE) == []


def test_a_degraded_mode_that_is_not_known_is_shown_by_its_name() -> None:
    assert notes(WHOLE | {"degraded": ["new_mode"]}) == ["Note: new_mode."]


def test_an_answer_without_citations_lists_no_sources() -> None:
    assert "Sources" not in shown(answer_object(replace(RESULT, answer=replace(ANSWER, citations=()))))


def test_a_hit_tells_its_age() -> None:
    hit = answer_object(replace(RESULT, cache=CacheFacts(CacheResult.HIT, age_s=75, origin_trace_id="feed")))
    assert "cache hit, 1 min 15 s old" in head(hit)
    told = shown(hit, explain=True)
    assert "kept 1 min 15 s ago, made in trace feed" in told


def test_explain_shows_routing_cache_tokens_and_the_waterfall() -> None:
    told = shown(WHOLE, explain=True)
    assert "asked for auto, chose llama3.2:3b (tier simple), by policy" in told
    assert "4 words" in told
    assert "words 4, chars 26, question marks 1, technical terms 1" in told
    assert "not kept before; made now" in told
    assert "120 tokens read, 9 tokens written" in told
    rows = [line.split() for line in told.splitlines() if "█" in line or "▏" in line or "▎" in line]
    assert [row[0] for row in rows] == ["route", "generate", "unaccounted"]
    assert rows[1][1:4] == ["1.40", "s", "93%"]
    assert "100%" in told.splitlines()[-1]


@pytest.mark.parametrize("result", [one for one in CacheResult if one is not CacheResult.HIT])
def test_every_cache_result_has_words(result: CacheResult) -> None:
    told = shown(answer_object(replace(RESULT, cache=CacheFacts(result))), explain=True)
    line = told.splitlines()[told.splitlines().index("Cache") + 1].strip()
    assert line != result.value


def test_no_model_and_no_time_at_all_can_be_explained() -> None:
    route = replace(RESULT.route, model=None)
    answer = replace(ANSWER, model=None, mode=Mode.NO_CONTEXT, output_tokens=0, citations=())
    told = shown(answer_object(replace(RESULT, route=route, answer=answer, timings=Timings(0.0))), explain=True)
    assert "chose no model" in told
    assert "no model wrote this" in told


@pytest.mark.parametrize(
    ("begun", "share", "expected"),
    [
        (0.0, 1.0, "████"),
        (0.0, 0.0, ""),
        (0.5, 0.5, "  ██"),
        (0.25, 0.125, " ▌"),
        (0.0, 0.0001, "▏"),
        (1.0, 0.0, "    "),
        (0.75, 0.9, "   █"),
    ],
)
def test_bars_begin_where_the_last_one_ended(begun: float, share: float, expected: str) -> None:
    assert bar(begun, share, cells=4) == expected


def test_bars_never_leave_the_width() -> None:
    for begun in range(0, 101, 3):
        for share in range(0, 120, 7):
            assert len(bar(begun / 100, share / 100, cells=8)) <= 8
