"""What may wait is done aside: in order, once, and what fails is told on the thread that asked."""

from __future__ import annotations

from _thread import get_ident
from queue import SimpleQueue
from threading import Event

from cluster.vrrp.aside import Aside

PATIENCE = 20.0


def ignore(_problem: OSError) -> None:
    pass


def test_the_caller_goes_on_while_the_work_waits() -> None:
    aside, gate, done = Aside(), Event(), Event()

    def work() -> None:
        gate.wait(PATIENCE)
        done.set()

    aside.do(work, ignore)
    aside.begin()

    assert not done.is_set()
    gate.set()
    assert done.wait(PATIENCE)


def test_nothing_is_begun_while_the_caller_has_more_to_do() -> None:
    aside, done = Aside(), Event()
    for _ in range(2):  # before the thread is there, and while it waits
        done.clear()
        aside.do(done.set, ignore)
        assert aside.asked
        assert not done.wait(0.05)

        aside.begin()

        assert not aside.asked
        assert done.wait(PATIENCE)


def test_it_is_done_in_the_order_asked_for_and_not_twice_for_what_waits_already() -> None:
    aside, gate, begun = Aside(), Event(), Event()
    done: SimpleQueue[str] = SimpleQueue()

    def first() -> None:
        begun.set()
        gate.wait(PATIENCE)
        done.put("first")

    def second() -> None:
        done.put("second")

    def third() -> None:
        done.put("third")

    aside.do(first, ignore)
    aside.begin()
    assert begun.wait(PATIENCE)
    for work in (second, second, third):
        aside.do(work, ignore)
    aside.begin()
    gate.set()

    assert [done.get(timeout=PATIENCE) for _ in range(3)] == ["first", "second", "third"]


def test_it_wakes_up_again_after_it_had_nothing_to_do() -> None:
    aside = Aside()
    done: SimpleQueue[int] = SimpleQueue()
    for number in range(100):
        aside.do(lambda number=number: done.put(number), ignore)  # type: ignore[misc]
        aside.begin()
        assert done.get(timeout=PATIENCE) == number


def test_a_failure_is_told_on_the_thread_that_asks_for_it() -> None:
    aside, passed = Aside(), Event()
    told: list[tuple[str, int]] = []

    def fail() -> None:
        raise OSError("the disk is full")

    aside.do(fail, lambda problem: told.append((str(problem), get_ident())))
    aside.do(passed.set, ignore)
    aside.begin()
    assert passed.wait(PATIENCE)
    assert told == []

    aside.report()
    aside.report()

    assert told == [("the disk is full", get_ident())]


def test_that_there_is_a_failure_to_tell_of_is_said_on_the_other_thread() -> None:
    aside, said = Aside(), Event()
    aside.failed = said.set

    def fail() -> None:
        raise OSError("the disk is full")

    aside.do(fail, ignore)
    aside.begin()
    assert said.wait(PATIENCE)
    assert aside.failing
    aside.report()

    assert not aside.failing
