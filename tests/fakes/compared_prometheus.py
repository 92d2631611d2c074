"""Prometheus as a comparison meets it: answers of two environments, block by block."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np

from service.telemetry.catalogue import L
from tests.fakes.http_listener import HttpListener, Request


class ComparedPrometheus(HttpListener):
    """Knows 20 answers a block and tier; those of development take `ratio` times as long, and `failed` of them are
    none. `only` is a tier that production alone has. `starts` logs where a range begins, by environment."""

    def __init__(self, ratio: float = 1.0, tiers: tuple[str, ...] = ("simple", "complex")) -> None:
        super().__init__()
        self.ratio = ratio
        self.tiers = tiers
        self.answers = 20
        self.failed = 0
        self.only = ""
        self.starts: dict[str, float] = {}

    def get(self, request: Request) -> None:
        parts = urlsplit(request.path)
        given = {name: values[0] for name, values in parse_qs(parts.query).items()}
        ranged = parts.path.endswith("query_range")
        told = {"data": {"result": self._ranges(given) if ranged else self._totals(given["query"])}}
        request.reply(200, json.dumps(told).encode())

    def _ranges(self, given: dict[str, str]) -> list[dict[str, Any]]:
        query, step = given["query"], float(given["step"].removesuffix("s"))
        where = "development" if "development" in query else "production"
        start = self.starts[where] = float(given["start"])
        ats = np.arange(start, float(given["end"]) + 1, step)
        rng = np.random.default_rng(len(where))
        result: list[dict[str, Any]] = []
        for tier in self.tiers:
            if tier == self.only and where == "development":
                continue
            slow = self.ratio if where == "development" and tier == "complex" else 1.0
            times = slow * rng.lognormal(0.5, 0.3, (len(ats), self.answers))
            if "_bucket" in query:
                for bound in (*L, float("inf")):
                    values = [[at, str(int((row <= bound).sum()))] for at, row in zip(ats, times, strict=True)]
                    result.append({"metric": {"tier": tier, "le": str(bound).replace("inf", "+Inf")}, "values": values})
            else:
                values = times.sum(axis=1) if "_sum" in query else np.full(len(ats), self.answers)
                rows = [[at, str(value)] for at, value in zip(ats, values, strict=True)]
                result.append({"metric": {"tier": tier}, "values": rows})
        return result

    def _totals(self, query: str) -> list[dict[str, Any]]:
        labels = {"outcome": "ok", "cache": "miss", "start": "warm"} if "outcome" in query else {"stage": "generate"}
        told = [{"metric": labels, "value": [0, "480"]}]
        if "outcome" in query and "development" in query:
            told.append({"metric": labels | {"outcome": "error"}, "value": [0, str(self.failed)]})
        return told
