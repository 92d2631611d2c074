"""A parser of the part of TraceQL that dashboards use: enough to refuse what Tempo would.

query    = spanset { ("&&" | "||" | ">>" | ">" | "~") spanset } { "|" step } [ "with" "(" hint "=" value ")" ]
spanset  = "{" [ condition ] "}" | "(" query ")"
condition = comparison { ("&&" | "||") comparison }, with parentheses
step     = select(field, ...) | by(field, ...) | rate() | count_over_time() | quantile_over_time(field, number, ...) ...
"""

import re

_TOKEN = re.compile(
    r"""\s*(?:(?P<string>"(?:[^"\\]|\\.)*"|`[^`]*`)|(?P<duration>\d+(?:\.\d+)?(?:ns|us|ms|s|m|h))|(?P<number>-?\d+(?:\.\d+)?)"""
    r"""|(?P<word>[A-Za-z_.][\w.:/-]*)|(?P<sign>&&|\|\||>>|<<|!=|=~|!~|>=|<=|[{}()=<>|,~!]))"""
)
_INTRINSICS = frozenset(
    (
        "duration",
        "name",
        "kind",
        "status",
        "statusMessage",
        "rootName",
        "rootServiceName",
        "traceDuration",
        "nestedSetParent",
        "childCount",
        "trace:rootName",
        "trace:rootService",
        "trace:duration",
        "trace:id",
        "span:name",
        "span:duration",
        "span:status",
        "span:kind",
        "span:id",
        "event:name",
    )
)
_SCOPES = ("span.", "resource.", "event.", "link.", ".")
_COMPARISONS = frozenset(("=", "!=", "=~", "!~", ">", "<", ">=", "<="))
_VALUES = frozenset(
    ("true", "false", "nil", "ok", "error", "unset", "server", "client", "internal", "producer", "consumer")
)
_HINTS = frozenset(("most_recent", "exemplars"))
_AGGREGATES = frozenset(
    (
        "rate",
        "count_over_time",
        "min_over_time",
        "max_over_time",
        "avg_over_time",
        "sum_over_time",
        "histogram_over_time",
        "quantile_over_time",
        "count",
        "avg",
        "max",
        "min",
        "sum",
        "topk",
        "bottomk",
    )
)


class Refused(ValueError):
    """Not TraceQL. The text says where and what was expected."""


def fields(query: str) -> set[str]:
    """The attributes that a query names, with their scope. Raises `Refused`."""
    parser = _Parser(query)
    parser.query()
    parser.hints()
    parser.end()
    return parser.fields


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self._at = 0
        self.fields: set[str] = set()

    def query(self) -> None:
        self._spanset()
        while self._take("&&", "||", ">>", "<<", ">", "<", "~"):
            self._spanset()
        while self._take("|"):
            self._step()

    def hints(self) -> None:
        if self._peek() != ("word", "with"):
            return
        self._at += 1
        self._need("(")
        if self._peek()[1] not in _HINTS:
            self._fail("a hint")
        self._at += 1
        self._need("=")
        if self._peek()[1] not in ("true", "false"):
            self._fail("true or false")
        self._at += 1
        self._need(")")

    def end(self) -> None:
        if self._at != len(self._tokens):
            self._fail("the end")

    def _spanset(self) -> None:
        if self._take("("):
            self.query()
            self._need(")")
            return
        self._need("{")
        if not self._take("}"):
            self._condition()
            self._need("}")

    def _condition(self) -> None:
        self._comparison()
        while self._take("&&", "||"):
            self._comparison()

    def _comparison(self) -> None:
        if self._take("!"):
            self._comparison()
            return
        if self._take("("):
            self._condition()
            self._need(")")
            return
        if self._peek()[1] in ("true", "false"):
            self._at += 1
            return
        self._field()
        kind, sign = self._peek()
        if kind != "sign" or sign not in _COMPARISONS:
            self._fail("a comparison")
        self._at += 1
        kind, value = self._peek()
        if not (kind in ("string", "duration", "number") or value in _VALUES):
            self._fail("a value")
        if sign in ("=~", "!~"):
            if kind != "string":
                self._fail("a regular expression")
            re.compile(value[1:-1])
        self._at += 1

    def _step(self) -> None:
        kind, word = self._peek()
        if kind != "word" or word not in {"select", "by", *_AGGREGATES}:
            self._fail("select, by or an aggregate")
        self._at += 1
        self._arguments(need=word in ("select", "by"))
        if word in _AGGREGATES and self._peek()[1] == "by":
            self._at += 1
            self._arguments(need=True)
        if self._peek()[1] in _COMPARISONS and word in _AGGREGATES:
            self._at += 2

    def _arguments(self, *, need: bool) -> None:
        self._need("(")
        if self._take(")"):
            if need:
                self._fail("an attribute")
            return
        while True:
            if self._peek()[0] in ("number", "duration"):
                self._at += 1
            else:
                self._field()
            if not self._take(","):
                break
        self._need(")")

    def _field(self) -> None:
        kind, word = self._peek()
        if kind != "word" or not (word in _INTRINSICS or word.startswith(_SCOPES)):
            self._fail("an attribute with its scope, or an intrinsic field")
        self.fields.add(word)
        self._at += 1

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "")

    def _take(self, *signs: str) -> bool:
        kind, text = self._peek()
        if kind == "sign" and text in signs:
            self._at += 1
            return True
        return False

    def _need(self, sign: str) -> None:
        if not self._take(sign):
            self._fail(f"`{sign}`")

    def _fail(self, wanted: str) -> None:
        raise Refused(f"{self._text!r}: {wanted} is expected instead of {self._peek()[1] or 'the end'!r}")


def _tokens(text: str) -> list[tuple[str, str]]:
    found, at = [], 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise Refused(f"{text!r}: cannot be read from {text[at : at + 20]!r} on")
        found.append((match.lastgroup, match[match.lastgroup]))
        at = match.end()
    return found
