"""The parser of TraceQL takes what Tempo takes, of what dashboards need, and refuses what it would refuse."""

import pytest

from tests.dashboards.traceql import Refused, fields

GOOD = (
    "{}",
    '{ resource.service.name = "emini-rag" && name = "invoke_workflow ask" && duration > 3s }',
    '{ span.gen_ai.request.model =~ "llama3[.]1:latest|gpt-oss:20b" && (status = error || span.rag.cold = true) }',
    '{ name = "chat x" } | select(span.gen_ai.request.model, span.rag.tier)',
    "{ span.ollama.load_duration > 1 } >> { kind = client }",
    "{ name =~ `chat .*` } | quantile_over_time(duration, .5, .95) by (span.gen_ai.request.model)".replace(
        " .5, .95", " 0.5, 0.95"
    ),
    '{ trace:rootName = "POST /ask" } && { status = error } | by(resource.service.name) | count() > 2',
    "{ !(duration < 1ms) }",
    "{ duration > 10.24s } >> { name =~ `chat .*` } | select(span.rag.tier) with (most_recent=true)",
)
BAD = (
    "",
    "{ duration > }",
    "{ duration 3s }",
    '{ gen_ai.request.model = "x" }',
    "{ duration > 3s",
    "{ duration > 3 s }",
    "{ duration > 3s } select(name)",
    "{ duration > 3s } | sort(name)",
    "{ duration > 3s } | select()",
    "{ duration > 3s } with (newest=true)",
    "{ duration > 3s } with (most_recent=true",
    "{ duration > 3s } with (most_recent=true) | select(name)",
    "{ name =~ 3 }",
    '{ name = "x" && }',
    '{ name = "x }',
)


@pytest.mark.parametrize("query", GOOD)
def test_takes(query: str) -> None:
    fields(query)


@pytest.mark.parametrize("query", BAD)
def test_refuses(query: str) -> None:
    with pytest.raises(Refused):
        fields(query)


def test_names_the_attributes() -> None:
    assert fields('{ span.rag.tier = "simple" && duration > 1s } | select(span.rag.cold)') == {
        "span.rag.tier",
        "duration",
        "span.rag.cold",
    }
