"""Asking many places at once, so that one that hangs holds no other.

Here: which questions wait for each other (those to one root), how many are under way, and what a root that cannot be reached means
for the other questions to it. Elsewhere: the questions (`pipelines.plan`, `pipelines.load`), timeouts (`connectors.places`,
`connectors.http`).
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Generic, TypeVar

Q = TypeVar("Q")
A = TypeVar("A")

ROOTS = 32
"""Questions under way at once."""
OF_ONE_ROOT = 4
"""Of these to one root: a plant's server is not there for us alone."""

Answers = SimpleQueue[tuple[Q, A] | BaseException | None]
"""What workers gave, what stopped one, and that one has nothing left to ask."""


@dataclass
class _Lane(Generic[Q]):
    """The questions to one root, in their order."""

    waiting: deque[Q] = field(default_factory=deque)

    def next(self) -> Q | None:
        """The next question; None where none is left, for this worker or because another cleared them."""
        try:
            return self.waiting.popleft()
        except IndexError:
            return None


def asked(
    questions: Iterable[Q], root: Callable[[Q], Hashable], ask: Callable[[Q], tuple[A, bool]],
    in_order: Callable[[Q], bool] = lambda _: False,
) -> Iterator[tuple[Q, A]]:  # fmt: skip
    """Questions with their answers as they come. `ask` also tells whether to go on with the same root: else its other questions are not
    asked. `in_order` questions of a root are asked one after the other."""
    lanes: dict[Hashable, _Lane[Q]] = defaultdict(_Lane)
    for question in questions:
        lanes[root(question)].waiting.append(question)
    widths = {name: 1 if any(map(in_order, lane.waiting)) else min(OF_ONE_ROOT, len(lane.waiting)) for name, lane in lanes.items()}
    workers = [lanes[name] for turn in range(OF_ONE_ROOT) for name, width in widths.items() if turn < width]
    if not workers:
        return
    answers: Answers[Q, A] = SimpleQueue()
    with ThreadPoolExecutor(min(ROOTS, len(workers)), thread_name_prefix="root") as pool:
        try:
            for lane in workers:
                pool.submit(_work, lane, ask, answers)
            for _ in workers:
                yield from _until_done(answers)
        finally:
            for lane in lanes.values():
                lane.waiting.clear()


def _work(lane: _Lane[Q], ask: Callable[[Q], tuple[A, bool]], answers: Answers[Q, A]) -> None:
    """Asks what waits in a lane until nothing does."""
    try:
        while (question := lane.next()) is not None:
            answer, goes_on = ask(question)
            answers.put((question, answer))
            if not goes_on:
                lane.waiting.clear()
        answers.put(None)
    except BaseException as error:  # for whoever asked
        answers.put(error)


def _until_done(answers: Answers[Q, A]) -> Iterator[tuple[Q, A]]:
    """The answers until one more worker has nothing left to ask."""
    while (given := answers.get()) is not None:
        if isinstance(given, BaseException):
            raise given
        yield given
