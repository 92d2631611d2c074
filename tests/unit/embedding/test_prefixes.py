"""A prefix for the models that want one."""

import pytest

from service.embedding.port import Purpose
from service.embedding.prefixes import prefix_of


@pytest.mark.parametrize("name", ["nomic-embed-text", "nomic-embed-text:latest", "me/nomic-embed-text:v1.5"])
def test_nomic_has_one_for_each_purpose(name: str) -> None:
    assert prefix_of(name, Purpose.QUERY) == "search_query: "
    assert prefix_of(name, Purpose.DOCUMENT) == "search_document: "


def test_some_want_one_for_questions_only() -> None:
    assert prefix_of("mxbai-embed-large", Purpose.QUERY)
    assert not prefix_of("mxbai-embed-large", Purpose.DOCUMENT)


@pytest.mark.parametrize("name", ["all-minilm", "nomic-embed-text-v2-moe", ""])
def test_others_get_none(name: str) -> None:
    assert not prefix_of(name, Purpose.QUERY)
    assert not prefix_of(name, Purpose.DOCUMENT)
