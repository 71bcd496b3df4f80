"""Threads that meet, and are answered together."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from adatom.errors import IncompleteError
from adatom.execution.meeting import Meeting


def side_by_side(meeting, *functions):
    def attended(function):
        try:
            return function()
        finally:
            meeting.leave()

    with ThreadPoolExecutor(len(functions)) as threads:
        return [one.result() for one in [threads.submit(attended, function) for function in functions]]


class Squares:
    """A function of many items that says how many it was given at once."""

    def __init__(self):
        self.sizes = []

    def __call__(self, items):
        self.sizes.append(len(items))
        return [item**2 for item in items]


def test_what_all_ask_is_answered_in_one_call():
    meeting, squares = Meeting(5), Squares()

    def work(number):
        return [meeting.ask("square", squares, number + step) for step in range(4)]

    found = side_by_side(meeting, *[lambda number=number: work(number) for number in range(5)])
    assert found == [[(number + step) ** 2 for step in range(4)] for number in range(5)]
    assert squares.sizes == [5] * 4


def test_those_who_have_left_are_not_waited_for():
    meeting, squares = Meeting(3), Squares()

    def work(steps):
        return [meeting.ask("square", squares, step) for step in range(steps)][-1]

    assert side_by_side(meeting, lambda: work(1), lambda: work(2), lambda: work(4)) == [0, 1, 9]
    assert squares.sizes == [3, 2, 1, 1]


def test_one_that_is_busy_elsewhere_holds_up_nobody():
    meeting, squares = Meeting(2), Squares()
    answered = threading.Event()

    def busy():
        assert answered.wait(20)  # until the other has its answer
        return meeting.ask("square", squares, 2)

    def quick():
        found = meeting.ask("square", squares, 3)
        answered.set()
        return found

    assert side_by_side(meeting, busy, quick) == [4, 9]
    assert squares.sizes == [1, 1]


def test_kinds_are_answered_apart():
    meeting, squares, halves = Meeting(4), Squares(), lambda items: [item / 2 for item in items]
    asked = [("square", squares, 4), ("half", halves, 4), ("square", squares, 6), ("half", halves, 6)]
    assert side_by_side(meeting, *[lambda one=one: meeting.ask(*one) for one in asked]) == [16, 2, 36, 3]
    assert squares.sizes == [2]


def test_a_call_that_raises_answers_none(caplog):
    meeting = Meeting(2)

    def inverses(items):
        return [1 / item for item in items]

    assert side_by_side(meeting, *[lambda n=n: meeting.ask("inverse", inverses, n) for n in (0, 1)]) == [None, None]
    assert "2 items are computed one by one: ZeroDivisionError" in caplog.text


def test_after_its_end_each_question_is_an_error():
    meeting, squares = Meeting(2), Squares()
    meeting.end()
    for number in range(2):
        with pytest.raises(IncompleteError, match="side by side were interrupted"):
            meeting.ask("square", squares, number)
    assert squares.sizes == []
