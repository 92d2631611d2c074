"""How many series a metric can make."""

from service.telemetry.metric import CHAT_MODELS, MODELS_OR_NONE, Kind, Label, Metric, Open


def test_a_label_counts_its_values() -> None:
    assert Label("a", ("x", "y")).count(4) == 2
    assert Label("a", Open(7)).count(4) == 7
    assert Label("model", CHAT_MODELS).count(4) == 5
    assert Label("model", MODELS_OR_NONE).count(4) == 7


def test_a_histogram_has_a_line_per_bucket_and_three_more() -> None:
    metric = Metric("a_seconds", Kind.HISTOGRAM, "A.", "seconds", (Label("a", ("x", "y")),), (1.0, 2.0))
    assert (metric.series_per_set, metric.product(4)) == (5, 10)
    assert metric.label_names == ("a",)


def test_what_finds_no_room_is_told_apart_by_the_labels_that_are_kept() -> None:
    ended, other = Label("ended", ("well", "badly"), kept=True), Label("a", ("x", "y"))
    assert Metric("a_total", Kind.COUNTER, "A.", labels=(other, ended)).overflow_sets == 3
    assert Metric("a_total", Kind.COUNTER, "A.", labels=(other,)).overflow_sets == 1
    assert Metric("a_total", Kind.COUNTER, "A.").overflow_sets == 0


def test_without_labels_there_is_one_set() -> None:
    assert Metric("a_total", Kind.COUNTER, "A.").product(4) == 1
