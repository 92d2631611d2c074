"""A page of metrics as Prometheus scrapes it: says what the test tells it to."""

from tests.fakes.http_listener import HttpListener, Request

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


class MetricsPage(HttpListener):
    """Answers every GET, whatever the path. `text` may be changed while it runs; `calls` counts what was asked for."""

    def __init__(self, text: str = "# EOF\n") -> None:
        super().__init__()
        self.text = text
        self.calls = 0

    def get(self, request: Request) -> None:
        self.calls += 1
        # A scraper that kept its connection would go on reading the page after its end.
        request.reply(200, self.text.encode(), content_type=OPENMETRICS, connection="close")
