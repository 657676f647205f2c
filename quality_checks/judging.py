"""The process that judges: Great Expectations runs in it, beside the refresh and on another core.

Here: starting it, asking it, ending it, and what it does. Elsewhere: the judgement itself (`quality_checks.expectations`), the
results (`quality_checks.runner`).

Why a process: the import takes seconds of CPU. In a thread it would take them from dagster and dbt, which hold the same lock of the
interpreter; here it also leaves unimported what a refresh needs and the judgement does not. Profiles and limits go in, plants that
fail come out (pickle over pipes, a few hundred kB); the process keeps nothing and ends with the one that started it.
"""

from __future__ import annotations

import atexit
import os
import pickle
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Any

from quality_checks.checks import Check
from quality_checks.expectations import Columns, failing, great_expectations

Failing = dict[str, dict[str, list[str]]]
"""Plants that break a limit, by table and name of the check."""


BEGIN = "import sys; sys.path.insert(0, sys.argv[1]); from quality_checks.judging import main; main()"
"""This very copy of the product, wherever the caller stands; `-P`: nothing that lies in the caller's folder."""


class Judge:
    """A started process; one question at a time."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  (open as long as the process)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", BEGIN, str(Path(__file__).resolve().parents[1])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def __call__(self, checks: Mapping[str, Sequence[Check]], found: Mapping[str, Columns]) -> Failing:
        """As `expectations.failing`, with the limits that are given. Raises RuntimeError when there is no judgement."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._lock:
            try:
                pickle.dump((checks, found), self._process.stdin)
                self._process.stdin.flush()
                answer = pickle.load(self._process.stdout)
            except (EOFError, OSError) as error:
                self._process.wait()
                self._errors.seek(0)
                said = self._errors.read().decode(errors="replace")[-2000:]
                raise RuntimeError(f"The process that judges quality ended with {self._process.returncode}: {said}") from error
        if isinstance(answer, str):
            raise RuntimeError(answer)
        result: Failing = answer
        return result

    def close(self) -> None:
        """Ends the process; it has nothing to lose."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            if stream is not None:
                with suppress(OSError):
                    stream.close()


_started: list[Judge] = []
_starting = Lock()


def start() -> Judge:
    """The judge of this process, started when there is none: early, so that it imports while others work."""
    with _starting:
        if _started and not _started[0].alive:
            _started.pop().close()
        if not _started:
            _started.append(Judge())
        return _started[0]


@atexit.register
def stop() -> None:
    """Ends the judge of this process, where one was started."""
    with _starting:
        while _started:
            _started.pop().close()


def main() -> None:
    """Answers questions from the standard input until it ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    great_expectations()
    while True:
        try:
            checks, found = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        pickle.dump(_answer(checks, found), answers)
        answers.flush()


def _answer(checks: Mapping[str, Sequence[Check]], found: Mapping[str, Columns]) -> Any:
    try:
        return failing(checks, found)
    except Exception:
        return traceback.format_exc()
