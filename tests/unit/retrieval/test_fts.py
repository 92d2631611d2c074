"""Finding chunks by their words, on a real corpus file."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.errors import BadDependencyReply, Dependency, DependencyUnavailable
from service.retrieval.fts import FtsIndex
from service.retrieval.port import Match
from service.retrieval.threads import WorkerThreads
from tests.unit.corpus.opened import Opened, prose

MOMENTUM = b"""# Momentum

Momentum traders buy what rose. It is an old style, and it works until it does not.

# Gaps

A gap is a jump of the price between two days. Most gaps of the e-mini are filled within a week.
"""
GERMAN = "Der gleitende Durchschnitt glättet den Kurs über größere Zeiträume.".encode()


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Opened]:
    made = await Opened(tmp_path, embedder=False).open()
    await made.corpus.add("momentum.md", MOMENTUM)
    await made.corpus.add("german.md", GERMAN)
    await made.corpus.add("other.md", prose("volatility"))
    yield made
    await made.close()


@pytest.mark.parametrize(
    ("question", "source"),
    [
        ("What do momentum traders buy?", "momentum.md"),
        ("Who is buying momentum?", "momentum.md"),
        ("E-MINI gaps", "momentum.md"),
        ("Was ist ein gleitender oder gleitende Durchschnitt?", "german.md"),
        ("grossere GRÖSSERE größere", "german.md"),
        ("how volatile is volatility", "other.md"),
    ],
)
async def test_finds_by_words_in_any_form_and_language(opened: Opened, question: str, source: str) -> None:
    assert (await opened.sources(question))[0] == source


@pytest.mark.parametrize(
    "question", ["", "What is it?", "zebra", "***", 'NEAR("', "text:x", "\x00", "''; DROP TABLE words"]
)
async def test_finds_nothing_where_there_is_nothing(opened: Opened, question: str) -> None:
    assert await opened.words.search(question, 10) == ()


async def test_the_best_comes_first_with_the_highest_score(opened: Opened) -> None:
    matches = await opened.words.search("momentum traders gap", 10)
    assert len(matches) > 1
    scores = [match.score for match in matches]
    assert scores == sorted(scores, reverse=True)
    assert all(match.distance is None for match in matches)


async def test_gives_no_more_than_asked(opened: Opened) -> None:
    assert len(await opened.words.search("volatility", 2)) == 2
    assert await opened.words.search("volatility", 0) == ()


async def test_a_passage_is_the_chunk_verbatim_with_its_sentences(opened: Opened) -> None:
    found = await opened.found("gap momentum gleitende volatility")
    assert len(found) > 3
    for passage in found:
        text = await opened.corpus.document_text(passage.document_id)
        assert text[passage.start : passage.end] == passage.text
        assert passage.sentences[0][0] == passage.start
        assert passage.sentences[-1][1] == passage.end
        assert all(text[start:end].strip() == text[start:end] for start, end in passage.sentences)
    gap = next(passage for passage in found if "jump" in passage.text)
    sentences = [gap.text[start - gap.start : end - gap.start] for start, end in gap.sentences]
    assert sentences[-1] == "Most gaps of the e-mini are filled within a week."


async def test_passages_keep_order_and_scores_and_leave_out_what_is_gone(opened: Opened) -> None:
    matches = await opened.words.search("momentum gap volatility", 10)
    turned = (Match("unknown", 9.0), *reversed(matches))
    passages = await opened.words.passages(turned)
    assert [(one.chunk_id, one.score) for one in passages] == [(one.chunk_id, one.score) for one in turned[1:]]
    assert await opened.words.passages(()) == ()


async def test_a_deleted_document_is_no_passage_even_for_an_old_match(opened: Opened) -> None:
    matches = await opened.words.search("momentum", 10)
    document = next(one for one in opened.corpus.documents() if one.source == "momentum.md")
    await opened.corpus.delete(document.id)
    assert await opened.words.passages(matches) == ()
    assert await opened.words.search("momentum", 10) == ()


async def test_frequent_words_rank_but_do_not_decide_what_is_ranked(opened: Opened) -> None:
    for number in range(10):
        await opened.corpus.add(f"filler{number}.md", b"Common words fill this text." + str(number).encode())
        await opened.corpus.add(f"zebra{number}.md", f"The zebra {number} is rare here.".encode())
    for name in ("a", "b"):
        await opened.corpus.add(f"both-{name}.md", b"The common zebra is rare, and fills more than one text.")
    words = FtsIndex(opened.path, opened.threads, max_rare_chunks=14)
    found = await words.passages(await words.search("zebra common", 20))
    # Twelve chunks hold one word and twelve the other: the first alone is within the limit.
    assert {passage.source[:5] for passage in found[:2]} == {"both-"}
    assert len(found) == 12
    assert len({frozenset(word in passage.text for word in ("zebra", "ommon")) for passage in found}) == 2
    both = {passage.score for passage in found[:2]}
    alone = await words.search("zebra", 20)
    assert min(both) > max(match.score for match in alone)
    # A frequent word is still looked for when nothing rarer was asked.
    assert len(await words.search("common", 20)) == 12
    await words.close()


async def test_what_is_counted_follows_the_corpus(opened: Opened) -> None:
    assert await opened.sources("quokka") == []
    await opened.corpus.add("quokka.md", b"The quokka is no financial instrument.")
    assert await opened.sources("quokka") == ["quokka.md"]


async def test_readers_are_not_held_up_by_a_writer(opened: Opened) -> None:
    with opened.file.transaction() as db:
        db.execute("DELETE FROM tombstones")
        db.execute("UPDATE documents SET added_at = 0")
        assert await asyncio.wait_for(opened.sources("momentum"), 5) == ["momentum.md"]


async def test_many_readers_at_once(opened: Opened) -> None:
    found = await asyncio.gather(*(opened.sources("momentum") for _ in range(40)))
    assert {tuple(sources) for sources in found} == {("momentum.md",)}


async def test_a_missing_file_is_an_unavailable_dependency(tmp_path: Path) -> None:
    threads = WorkerThreads(1)
    words = FtsIndex(tmp_path / "corpus.sqlite3", threads)
    with pytest.raises(DependencyUnavailable) as caught:
        await words.search("momentum", 5)
    assert caught.value.dependency is Dependency.SQLITE
    assert not (tmp_path / "corpus.sqlite3").exists()
    threads.close()


async def test_a_damaged_file_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "corpus.sqlite3").write_bytes(b"no database, but long enough to be looked at " * 200)
    threads = WorkerThreads(1)
    with pytest.raises(BadDependencyReply, match="checkpoint"):
        await FtsIndex(tmp_path / "corpus.sqlite3", threads).search("momentum", 5)
    threads.close()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    question=st.text(max_size=60) | st.text(alphabet="\"*()^:-+.,'ANDORNEAR e\u00e9\u2460\U0001d7d9\u0300", max_size=40)
)
def test_no_question_is_syntax(fts_file: Path, question: str) -> None:
    async def ask() -> None:
        threads = WorkerThreads(1)
        words = FtsIndex(fts_file, threads)
        await words.passages(await words.search(question, 5))
        await words.close()
        threads.close()

    asyncio.run(ask())


@pytest.fixture(scope="module")
def fts_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fts")

    async def make() -> None:
        opened = await Opened(folder, embedder=False).open()
        await opened.corpus.add("a.md", MOMENTUM)
        await opened.close()

    asyncio.run(make())
    return folder / "corpus.sqlite3"
