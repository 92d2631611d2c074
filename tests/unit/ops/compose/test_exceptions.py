import pytest

from ops.compose.exceptions import EXCUSES, Excuse


@pytest.mark.parametrize(
    ("name", "covered"), [("store", True), ("store-dev", True), ("other", False), ("store-old", False)]
)
def test_an_excuse_by_the_name_in_production_counts_in_both(name: str, covered: bool) -> None:
    excuse = Excuse("store", "health", "it has no tool")
    assert excuse.covers(name, name.removesuffix("-dev"), "health", "its health is not checked") == covered


def test_an_excuse_of_development_counts_there_alone() -> None:
    excuse = Excuse("store-dev", "health", "it has no tool")
    assert excuse.covers("store-dev", "store", "health", "")
    assert not excuse.covers("store", "store", "health", "")


def test_an_excuse_is_for_one_rule_and_for_what_it_is_about() -> None:
    excuse = Excuse("store", "binds_read_only", "it writes there", about="./outputs")
    assert excuse.covers("store", "store", "binds_read_only", "it can write to ./outputs of the host")
    assert not excuse.covers("store", "store", "binds_read_only", "it can write to ./data of the host")
    assert not excuse.covers("store", "store", "binds_not_made", "Docker would make ./outputs")


def test_every_excuse_has_a_reason() -> None:
    assert all(len(excuse.reason) > 10 for excuse in EXCUSES)
