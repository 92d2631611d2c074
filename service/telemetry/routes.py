"""Route templates by path: a closed set of names for requests, whatever becomes of them, whatever a client asks."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from re import Pattern

UNMATCHED = "unmatched"
_API_PREFIX = "/api"


@dataclass(frozen=True, slots=True)
class Template:
    """A route: `path` is its template, `label` the same without `/api` before it."""

    path: str
    label: str


class Routes:
    """Looked up by path alone, so refused requests and wrong methods have their route too.

    `read` gives every route's template, with the pattern of those that have parameters or lie below a folder; it is
    called at the first request, when all routes are there.
    """

    def __init__(self, read: Callable[[], Iterable[tuple[str, Pattern[str] | None]]]) -> None:
        self._read = read
        self._fixed: dict[str, Template] = {}
        self._patterns: list[tuple[Pattern[str], Template]] = []
        self._known = False

    def find(self, path: str) -> Template | None:
        """The route that `path` belongs to."""
        if not self._known:
            self._learn()
        found = self._fixed.get(path)
        if found is not None:
            return found
        return next((template for pattern, template in self._patterns if pattern.match(path)), None)

    def label(self, path: str) -> str:
        """Its name in metrics and logs; `unmatched` for none."""
        found = self.find(path)
        return UNMATCHED if found is None else found.label

    def _learn(self) -> None:
        for path, pattern in self._read():
            without = path.removeprefix(_API_PREFIX) if path.startswith(f"{_API_PREFIX}/") else path
            template = Template(path, without)
            if pattern is None or not pattern.groups:
                self._fixed[path] = template
            else:
                self._patterns.append((pattern, template))
        self._known = True
