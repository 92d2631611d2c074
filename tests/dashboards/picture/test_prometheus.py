"""The client: series on the times that were asked for, errors in Prometheus' words."""

import httpx
import numpy as np
import pytest

from dashboards.picture.prometheus import Prometheus, Refused
from tests.dashboards.picture.prometheus_stand_in import StandIn


def test_values_stand_at_their_times_and_gaps_stay_gaps() -> None:
    prometheus = StandIn(lambda _: [({"job": "a"}, lambda at: None if at == 115 else at)]).client()
    times, series = prometheus.over_time("up", 100, 145, 15)
    assert list(times) == [100, 115, 130, 145]
    np.testing.assert_equal(series[0].values, [100, np.nan, 130, 145])
    assert series[0].labels == {"job": "a"}


def test_one_moment() -> None:
    series = StandIn(lambda _: [({}, lambda _: float("nan")), ({}, lambda _: float("inf"))]).client().at("up", 5)
    np.testing.assert_equal([one.values[0] for one in series], [np.nan, np.inf])


def test_a_scalar_is_a_series_without_labels() -> None:
    answer = {"status": "success", "data": {"resultType": "scalar", "result": [5, "2"]}}
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=answer))
    (series,) = Prometheus("http://p", httpx.Client(transport=transport)).at("2", 5)
    assert (series.labels, list(series.values)) == ({}, [2])


def test_exemplars_and_label_values() -> None:
    example = {"seriesLabels": {"le": "1"}, "exemplars": [{"labels": {}, "value": "0.5", "timestamp": 7.5}]}
    stand_in = StandIn(examples=[example], values=["a"])
    (found,) = stand_in.client().examples("up", 0, 10)
    assert (found.value, found.at_s) == (0.5, 7.5)
    assert stand_in.client().label_values("up", "job", 0, 10) == ["a"]
    assert stand_in.asked[-1][1]["match[]"] == "up"


def test_a_refusal_says_what_prometheus_said() -> None:
    with pytest.raises(Refused, match=r"parse error.*nonsense"):
        StandIn(refusal="parse error").client().at("nonsense", 5)


def test_something_else_at_the_address_is_said_to_be_no_prometheus() -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(404, text="<html>"))
    with pytest.raises(Refused, match="no Prometheus: status 404"):
        Prometheus("http://p", httpx.Client(transport=transport)).at("up", 5)
