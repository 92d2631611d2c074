"""A deploy over fakes: a service that answers by rule, versions that are words, checkpoints that are names."""

import io
from pathlib import Path

from rich.console import Console

from ops.checkpoint.archive import Archive
from ops.checkpoint.code_state import Repository
from ops.checkpoint.creating import Making
from ops.checkpoint.live_service import LiveService
from ops.checkpoint.screen import Screen
from ops.rollout.journal import Journal, Records
from ops.rollout.watching import Pace
from prometheus.thresholds import load
from service.cli.client import ServiceClient
from service.cli.drill.interrupts import Interrupts
from tests.fakes.clock import ManualClock
from tests.fakes.deployed_service import FakeDeployedService
from tests.fakes.rollout import FakeHost, FakeWays
from tests.unit.ops.rollout.test_watching import FakePast

QUESTIONS = ("What is a hedge?", "What is slippage?")


class Stand:
    """`ways` to deploy with; `marks` are the events on the dashboards. Time passes only by waiting."""

    def __init__(self, folder: Path, fake: FakeDeployedService, client: ServiceClient) -> None:
        self.fake, self.host, self.past = fake, FakeHost(), FakePast()
        self.clock = ManualClock(time=fake.at)
        self.records = Records(folder / "rollout")
        self.records.folder.mkdir()
        self.archive = Archive(folder / "checkpoints")
        self.said = io.StringIO()
        self.marks: list[str] = []
        live = LiveService(client, self.clock, self.clock.advance)
        making = Making(
            archive=self.archive,
            installation=None,  # type: ignore[arg-type]
            live=live,
            repository=Repository(folder),
            configuration={},
            environment="production",
            screen=Screen(Console(file=self.said, width=300), self.clock),
            clock=self.clock,
        )
        self.ways = FakeWays.made(
            host=self.host,
            records=self.records,
            making=making,
            live=live,
            past=self.past,
            limits=load(),
            questions=QUESTIONS,
            pace=Pace(rounds=10),
            mark=self._mark,
            pause=self._wait,
            interrupts=Interrupts(lambda _: None),
        )

    def journal(self) -> Journal:
        return Journal("deploy-1", "somebody", self.clock.time(), "b" * 40, 30.0, "a note", checkpoint="deploy-1")

    @property
    def events(self) -> list[str]:
        return [str(one["event"]) for one in self.records.logged()]

    def _mark(self, version: str, event: str, checkpoint: str) -> bool:
        self.marks.append(event)
        return True

    def _wait(self, seconds: float) -> None:
        self.clock.advance(seconds)
        # Records of what is asked from now on are of now.
        self.fake.at = self.clock.time() - len(self.fake.records) / 1000
