"""Many roots are asked at once; one that cannot be reached is asked no more, and questions that follow each other keep their order."""

from __future__ import annotations

import threading
import time

import pytest

from pipelines import lanes


def test_a_root_that_is_closed_is_asked_no_more_and_holds_no_other() -> None:
    """Root a says after 0.3 s that it is no use: of its 100 questions only those are asked that were under way; b and c give all."""

    def ask(question: tuple[str, int]) -> tuple[int, bool]:
        time.sleep(0.3 if question[0] == "a" else 0.01)
        return question[1] * 2, question[0] != "a"

    begun = time.monotonic()
    found = dict(lanes.asked([(root, n) for root in "abc" for n in range(100)], lambda question: question[0], ask))
    assert time.monotonic() - begun < 2
    assert len([question for question in found if question[0] == "a"]) == lanes.OF_ONE_ROOT
    assert {question: answer for question, answer in found.items() if question[0] != "a"} == {
        (r, n): 2 * n for r in "bc" for n in range(100)
    }


def test_at_most_so_many_questions_to_one_root() -> None:
    lock, under_way, most = threading.Lock(), 0, 0

    def ask(_: int) -> tuple[None, bool]:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        time.sleep(0.01)
        with lock:
            under_way -= 1
        return None, True

    assert len(list(lanes.asked(range(40), lambda _: "one", ask))) == 40
    assert most == lanes.OF_ONE_ROOT


def test_questions_in_order_follow_each_other_and_stop_at_the_first_that_fails() -> None:
    asked: list[int] = []

    def ask(question: int) -> tuple[int, bool]:
        asked.append(question)
        return question, question < 3

    assert [answer for _, answer in lanes.asked(range(9), lambda _: "a", ask, lambda _: True)] == [0, 1, 2, 3]
    assert asked == [0, 1, 2, 3]


def test_a_defect_is_not_swallowed() -> None:
    def ask(_: int) -> tuple[None, bool]:
        raise IndexError("of ours")

    with pytest.raises(IndexError, match="of ours"):
        list(lanes.asked([1, 2], str, ask))
    assert list(lanes.asked([], str, ask)) == []
