"""Request bodies. Types are strict (`"5"` is no number); null means the default. Limits that settings own are checked
in `question.py`."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

_STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, populate_by_name=False, frozen=True)
_LENIENT = ConfigDict(extra="ignore", strict=True)
_Seconds = Annotated[float, Field(ge=0, le=31_536_000)]
_ModelName = Annotated[str, Field(max_length=200)]
_Temperature = Annotated[float, Field(ge=0, le=2)]
_TopK = Annotated[int, Field(ge=1, json_schema_extra={"maximum": 50})]
_MaxTokens = Annotated[int, Field(ge=1, le=32_768)]


class CacheBody(BaseModel):
    """What the cache may do for this request. Times in seconds."""

    model_config = _STRICT

    no_cache: bool | None = Field(None, alias="no-cache", description="Answer afresh, and keep the new answer.")
    no_store: bool | None = Field(None, alias="no-store", description="Do not keep the answer.")
    ttl: _Seconds | None = Field(None, description="Keep the answer at most this long.")
    s_maxage: _Seconds | None = Field(None, alias="s-maxage", description="Accept an answer at most this old.")


class AskBody(BaseModel):
    """A question."""

    model_config = _STRICT | ConfigDict(json_schema_extra={"examples": [{"query": "What is momentum trading?"}]})

    query: str = Field(description="The question.", json_schema_extra={"minLength": 1, "maxLength": 8000})
    model: _ModelName | None = Field(None, description="`auto` (default) lets the router choose; else a model's name.")
    temperature: _Temperature | None = Field(None, description="Default 0.1.")
    max_tokens: _MaxTokens | None = Field(None, description="Longest answer in tokens. Default 2000.")
    top_k: _TopK | None = Field(None, description="Passages to answer from. Default 5.")
    stream: bool | None = Field(None, description="Server-sent events instead of one JSON object.")
    cache: CacheBody | None = None


class HoldBody(BaseModel):
    """How long to wait for writers, and how long at most to keep them out. Seconds."""

    model_config = _STRICT

    wait_s: Annotated[float, Field(ge=0, le=60)] = 10.0
    for_s: Annotated[float, Field(gt=0, le=600)] = 60.0


class ReleaseBody(BaseModel):
    """The hold that is over."""

    model_config = _STRICT

    token: Annotated[str, Field(max_length=100)]


class RestoredBody(BaseModel):
    """A going back to a checkpoint that is over. Seconds."""

    model_config = _STRICT

    checkpoint: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9._-]+$")]
    took_s: Annotated[float, Field(ge=0, le=86_400)]
    went_back: bool = False


class SearchQuestion(BaseModel):
    """One search: words, and the vector that goes with them where there is one."""

    model_config = _STRICT

    text: Annotated[str, Field(min_length=1, max_length=8000)]
    vector: Annotated[list[float], Field(min_length=1, max_length=16_384)] | None = None


class SearchBody(BaseModel):
    """Searches, and how many passages of each are wanted."""

    model_config = _STRICT

    questions: Annotated[list[SearchQuestion], Field(min_length=1, max_length=100)]
    top_k: _TopK = 5


class ContentPart(BaseModel):
    """A part of a chat message; only text is read."""

    model_config = _LENIENT

    type: str
    text: str | None = None


class ChatMessage(BaseModel):
    """A chat message."""

    model_config = _LENIENT

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[ContentPart] | None = None


class StreamOptions(BaseModel):
    """OpenAI's options of a stream."""

    model_config = ConfigDict(extra="ignore", strict=True)

    include_usage: bool | None = None


class ChatBody(BaseModel):
    """OpenAI's chat request. The last user message is the question; other messages and unknown fields are ignored."""

    model_config = ConfigDict(extra="ignore", strict=True, allow_inf_nan=False, frozen=True)

    messages: list[ChatMessage] = Field(min_length=1, max_length=1000)
    model: _ModelName | None = None
    temperature: _Temperature | None = None
    max_tokens: _MaxTokens | None = None
    max_completion_tokens: _MaxTokens | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None

    def question(self) -> str | None:
        """Text of the last user message, None when there is none with text."""
        for message in reversed(self.messages):
            if message.role == "user":
                return _text(message.content)
        return None


def _text(content: Any) -> str | None:
    if content is None or isinstance(content, str):
        return content
    return "\n".join(part.text for part in content if part.type == "text" and part.text) or None
