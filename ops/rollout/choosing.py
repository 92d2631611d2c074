"""From the options of the commands, and the settings, to what a deploy and a rollback work with. Raises `Failure`."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ops.checkpoint.choosing import Choice, Chosen
from ops.checkpoint.live_service import LiveService
from ops.compare.questions import of_file, of_samples
from ops.compose.docker import Docker, Unusable
from ops.compose.files import PRODUCTION
from ops.rollout.deploying import Ways
from ops.rollout.evidence import Past
from ops.rollout.host import Host
from ops.rollout.in_docker import DockerHost
from ops.rollout.journal import Records
from ops.rollout.mark import mark
from ops.rollout.native import VERSIONS, NativeHost
from ops.rollout.pointer import FOLDER
from ops.rollout.readiness import READY_S
from ops.rollout.source import Source
from ops.rollout.watching import Pace
from ops.stack.site import ROOT, local
from prometheus.thresholds import of_environment
from service.cli.client import address_of, connect
from service.cli.drill.interrupts import Interrupts
from service.cli.failures import USAGE, Failure
from service.cli.surroundings import Surroundings

# Enough for each model to be asked; with the usual rounds, enough answers of each to judge.
_USUAL_QUESTIONS = 8
_QUICK_S = 5.0
_TIERS = ("simple", "medium", "complex", "research")


@dataclass(frozen=True)
class Wanted:
    """What the commands are told beside `Choice`. `image` is a file to load; `queries` one of questions."""

    choice: Choice
    image: Path | None = None
    running: str = ""
    queries: Path | None = None
    pace: Pace = Pace()
    ready_s: float = READY_S
    supervisor_s: float | None = None
    root: Path = ROOT


class Rollout:
    """The installation that is meant, and what is known of its deploys."""

    def __init__(self, here: Surroundings, wanted: Wanted, docker: Docker | None = None) -> None:
        self._here = here
        self._wanted = wanted
        self._docker = docker or Docker(root=wanted.root)
        compose = wanted.choice.compose
        if compose not in ("", PRODUCTION.name):
            why = "development in Docker runs the files of the checkout as they are"
            raise Failure(f"Nothing can be deployed to {compose}", why, code=USAGE)
        if wanted.image is not None and not compose:
            raise Failure("There are no images without Docker", todo="Add --compose production.", code=USAGE)
        self.source = Source(wanted.root)
        self.chosen = Chosen(here, wanted.choice, self._docker)
        data = wanted.choice.data or here.settings.data_dir
        self._data = wanted.root / "data" if compose else data
        self.records = Records(self._data / (f"{FOLDER}-{PRODUCTION.project}" if compose else FOLDER))

    @contextmanager
    def host(self) -> Iterator[Host]:
        """Where versions run. The way to its service that it has is for quick looks."""
        here, wanted = self._here, self._wanted
        url = wanted.choice.url or (local(8001) if wanted.choice.compose else address_of(here.settings))
        with connect(here.settings, url, wanted.choice.key_file, _QUICK_S) as client:
            live = LiveService(client, here.clock, here.pause)
            if wanted.choice.compose:
                yield self._in_docker(live)
                return
            vectors = None if here.settings.chroma.url else self._data / "chroma"
            yield NativeHost(
                self._data,
                wanted.choice.chroma_folder or vectors,
                live,
                self.chosen.screen.say,
                source=self.source,
                server=here.settings.chroma.url or "" if wanted.choice.chroma_folder else "",
                running=wanted.running,
                ready_s=wanted.ready_s,
                supervisor_s=wanted.supervisor_s,
                pause=here.pause,
            )

    @contextmanager
    def ways(self, host: Host) -> Iterator[Ways]:
        """Everything else."""
        here, chosen = self._here, self.chosen
        environment = chosen.environment
        limits = of_environment(environment)
        with chosen.making(host.installation) as making, Interrupts(chosen.screen.say) as interrupts:
            if making.live is None:
                raise Failure("The address of the service is not known", todo="Name it with --url.")
            yield Ways(
                host=host,
                records=self.records,
                making=making,
                live=making.live,
                past=Past(chosen.prometheus, environment, limits),
                limits=limits,
                questions=self._questions(),
                pace=self._wanted.pace,
                mark=lambda version, event, checkpoint: mark(
                    chosen.prometheus, environment, version, event, checkpoint, here.clock.time()
                ),
                pause=here.pause,
                interrupts=interrupts,
            )

    def _questions(self) -> Sequence[str]:
        if self._wanted.queries is not None:
            return [one.text for one in of_file(self._wanted.queries).asked]
        asked = of_samples().asked
        each = _USUAL_QUESTIONS // len(_TIERS)
        return [one.text for tier in _TIERS for one in [one for one in asked if one.tier == tier][:each]]

    def _in_docker(self, live: LiveService) -> DockerHost:
        try:
            self._docker.check_compose()
            self._docker.info()
        except Unusable as error:
            raise Failure("Docker cannot be used", str(error)) from error
        return DockerHost(
            self._docker,
            PRODUCTION,
            live,
            source=self.source,
            versions=self._data / VERSIONS,
            image=self._wanted.image,
            ready_s=self._wanted.ready_s,
            pause=self._here.pause,
        )
