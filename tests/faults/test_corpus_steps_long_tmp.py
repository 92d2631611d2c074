"""Any sequence of adds, replacements, deletions, kills, outages and changed embedders keeps the corpus true."""

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable
from pathlib import Path
from typing import TypeVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from service.corpus.chunking import document_id
from service.errors import Dependency, DependencyUnavailable
from tests.unit.corpus.opened import Opened, prose

T = TypeVar("T")

NAMES = st.sampled_from(["a.md", "b.md", "c.md"])
WORDS = ["momentum", "reversal", "volatility", "quokka"]
AWAY = DependencyUnavailable(Dependency.CHROMA, "away")


class _Killed(BaseException):
    """Stands for SIGKILL at one place."""


class CorpusMachine(RuleBasedStateMachine):
    """`expected` is the word that the document of each name holds."""

    @initialize(embedder=st.booleans())
    def start(self, embedder: bool) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.runner = asyncio.Runner()
        self.expected: dict[str, str] = {}
        self.version = -1
        self.opened = Opened(self.folder, embedder=embedder)
        self._do(self.opened.open())

    def teardown(self) -> None:
        if hasattr(self, "runner"):
            self._do(self.opened.close())
            self.runner.close()
            shutil.rmtree(self.folder)

    def _do(self, step: Awaitable[T]) -> T:
        async def run() -> T:
            return await step

        return self.runner.run(run())

    @rule(name=NAMES, word=st.sampled_from(WORDS), failing=st.integers(0, 2))
    def add(self, name: str, word: str, failing: int) -> None:
        self.opened.index.failures.extend([AWAY] * failing)
        before = self.opened.corpus.state()
        self._do(self.opened.corpus.add(name, prose(word)))
        self.opened.index.failures.clear()
        if self.expected.get(name) != word:
            assert self.opened.corpus.state().version > before.version
        self.expected[name] = word

    @precondition(lambda self: self.expected)
    @rule(data=st.data(), failing=st.booleans())
    def delete(self, data: st.DataObject, failing: bool) -> None:
        document = data.draw(st.sampled_from(list(self.opened.corpus.documents())))
        before = self.opened.corpus.state()
        self.opened.index.failures.extend([AWAY] * failing)
        self._do(self.opened.corpus.delete(document.id))
        self.opened.index.failures.clear()
        assert self.opened.corpus.state().version > before.version
        del self.expected[document.source]

    @rule(name=NAMES, word=st.sampled_from(WORDS), where=st.sampled_from(["upsert", "stored", "publish", "bury"]))
    def killed_while_adding(self, name: str, word: str, where: str) -> None:
        """The kill falls before or after one of the writes; either the old or the new document is there then."""
        index, registry = self.opened.index, self.opened.corpus._registry
        upsert = index.upsert

        async def before(_: object) -> None:
            raise _Killed

        async def after(rows: object) -> None:
            await upsert(rows)  # type: ignore[arg-type]
            raise _Killed

        def never(*_: object, **__: object) -> None:
            raise _Killed

        changed = {"upsert": (index, "upsert", before), "stored": (index, "upsert", after)}
        changed |= {"publish": (registry, "publish", never), "bury": (index, "delete", before)}
        holder, attribute, replacement = changed[where]
        setattr(holder, attribute, replacement)
        registry.discard = lambda: None  # type: ignore[method-assign]
        killed = False
        try:
            self._do(self.opened.corpus.add(name, prose(word)))
        except _Killed:
            killed = True
        for changed_object in (index, registry):
            for method in ("upsert", "delete", "publish", "discard"):
                vars(changed_object).pop(method, None)
        if killed:
            self._do(self.opened.crash())
            self._do(self.opened.open())
        held = {one.source: one.id for one in self.opened.corpus.documents()}
        if held.get(name) == document_id(name, prose(word)):
            self.expected[name] = word
        # Killed before it was stored; what was stored whole is finished at start.
        assert self.expected.get(name) == word or (killed and where == "bury")

    @rule(digest=st.sampled_from(["d1", "d2"]))
    def another_embedder(self, digest: str) -> None:
        self.opened.embedder.digest = digest

    @rule(away=st.booleans())
    def embedder_comes_or_goes(self, away: bool) -> None:
        self.opened.embedder.away = away

    @rule(away=st.booleans())
    def index_comes_or_goes(self, away: bool) -> None:
        self.opened.index.away = away

    @rule(share=st.floats(0, 1))
    def index_loses_vectors(self, share: float) -> None:
        for rows in self.opened.index.collections.values():
            for key in list(rows)[: int(len(rows) * share)]:
                del rows[key]

    @rule(clean=st.booleans())
    def restart(self, clean: bool) -> None:
        state = self.opened.corpus.state()
        self._do(self.opened.close() if clean else self.opened.crash())
        self._do(self.opened.open())
        assert self.opened.corpus.state().documents == state.documents

    @rule()
    def embed_pending(self) -> None:
        self._do(self.opened.corpus.embed_pending())
        if self.opened.embedder.away or self.opened.index.away:
            return
        state = self.opened.corpus.state()
        assert (state.pending_vectors, state.embedder) == (0, "fake-embed")
        assert len(self.opened.vectors) == state.chunks
        assert list(self.opened.index.collections) == [self.opened.embedder.embedder]

    @invariant()
    def what_is_there_is_found_whole_and_nothing_else(self) -> None:
        corpus = self.opened.corpus
        assert {one.source for one in corpus.documents()} == set(self.expected)
        for word in WORDS:
            found = self._do(self.opened.words.search(word, 100))
            holders = {name for name, held in self.expected.items() if held == word}
            chunks = sum(one.chunks for one in corpus.documents() if one.source in holders)
            assert len(found) == chunks
            assert len(self._do(self.opened.words.passages(found))) == chunks

    @invariant()
    def the_version_never_falls_and_sums_are_right(self) -> None:
        state, documents = self.opened.corpus.state(), self.opened.corpus.documents()
        assert state.version >= self.version
        self.version = state.version
        assert state.documents == len(documents)
        assert state.chunks == sum(one.chunks for one in documents)
        assert state.pending_vectors == sum(one.chunks for one in documents if not one.embedded)


TestCorpusSteps = CorpusMachine.TestCase
TestCorpusSteps.settings = settings(
    max_examples=300, phases=[Phase.generate], stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
