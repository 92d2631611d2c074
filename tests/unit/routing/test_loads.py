from service.routing.loads import GUESSED_UNKNOWN_S, LoadTimes


def test_a_load_never_seen_is_guessed_from_the_size() -> None:
    assert LoadTimes().estimate("m", 9_000_000_000) == 9.0
    assert LoadTimes().estimate("m", 0) == GUESSED_UNKNOWN_S


def test_a_seen_load_replaces_the_guess_and_the_newest_weighs_half() -> None:
    loads = LoadTimes()
    loads.note("m", 4.0)
    assert loads.estimate("m", 9_000_000_000) == 4.0
    loads.note("m", 8.0)
    assert loads.estimate("m", 0) == 6.0
    assert loads.estimate("other", 2_000_000_000) == 2.0


def test_warm_answers_do_not_count_as_loads() -> None:
    loads = LoadTimes()
    loads.note("m", 0.0)
    loads.note("m", -1.0)
    assert loads.estimate("m", 3_000_000_000) == 3.0
