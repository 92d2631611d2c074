"""The way out."""

from service.drain import Drain


def test_cuts_are_called_once_and_only_at_the_end() -> None:
    drain, cut = Drain(), []
    drain.on_cut(lambda: cut.append("a"))
    forget = drain.on_cut(lambda: cut.append("b"))
    assert not drain.draining
    drain.begin()
    assert (drain.draining, cut) == (True, [])
    forget()
    drain.end()
    drain.end()
    assert cut == ["a"]


def test_who_comes_after_the_end_is_cut_at_once() -> None:
    drain, cut = Drain(), []
    drain.end()
    forget = drain.on_cut(lambda: cut.append("late"))
    forget()
    assert cut == ["late"]
    assert drain.draining


def test_its_beginning_is_told_once() -> None:
    told: list[str] = []
    drain = Drain(lambda: told.append("begun"))
    drain.begin()
    drain.begin()
    drain.end()
    assert told == ["begun"]
