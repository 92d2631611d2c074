"""What some embedding models want before a text. Without it they work, but find less. From the models' own cards."""

from service.embedding.port import Purpose

_SEARCHING = "Represent this sentence for searching relevant passages: "
_PREFIXES = {
    "nomic-embed-text": ("search_query: ", "search_document: "),
    "mxbai-embed-large": (_SEARCHING, ""),
    "snowflake-arctic-embed": (_SEARCHING, ""),
    "snowflake-arctic-embed2": ("query: ", ""),
    "embeddinggemma": ("task: search result | query: ", "title: none | text: "),
}


def prefix_of(model: str, purpose: Purpose) -> str:
    """The prefix for this model, whatever its tag and namespace; empty for one that wants none or is not known."""
    name = model.rpartition("/")[2].partition(":")[0]
    query, document = _PREFIXES.get(name, ("", ""))
    return query if purpose is Purpose.QUERY else document
