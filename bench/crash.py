"""Whether a refresh can be killed at any moment: `python -m bench.crash [--kills 100] [--seed 1] [--minutes 30]`.

Here: a lake (the victim) whose refreshes are ended by SIGKILL at random moments, a twin that gets the same deliveries in peace, a reader
who asks the victim's snapshot all the while, and what has to hold: after every wave both lakes say the same, and the reader never sees an
error or half a state. Elsewhere: when two lakes are equal (`tests/laws/equal_lakes.py`), a few kills at chosen steps
(`tests/pipelines/test_crash.py`, which uses the processes and triggers of this file).

Deliveries come in waves: the sample portfolio's files in the order in which they were exported, and between them corrected files, files
that cannot be read, edited plant files and edited vocabularies. Half of the kills come at any moment of a refresh, half a moment after a
line of its log, so that they hit commits, the move and the swap.
"""

from __future__ import annotations

import argparse
import csv
import io
import multiprocessing
import os
import queue
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from examples.sample import write_portfolio
from pipelines import state
from pipelines.lake import Lake
from pipelines.lock import writer_lock
from pipelines.logs import to_file
from pipelines.refresh import Refresh
from publish.reader import Snapshot

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "tests" / "laws"))

import equal_lakes  # noqa: E402

Change = tuple[str, bytes | None]
"""A path in the portfolio's folder and its new content; None: the file goes."""

LOOK_S = 0.005
"""How often the log of a refresh is looked at."""
ORPHAN_S = 30.0
"""How long a child may outlive a refresh that was killed alone."""
AT_LINES = (r" commit ", r" change scope$", r" quality checks$", r" dbt ", r" publish$", r" upkeep$")
LAST_MODEL = r" dbt (candidate_parts|kpi_value)$"


# --- processes ------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Trigger:
    """When to kill: `delay` seconds after the start, after the `nth` line of the log that fits `line`, and, with `gate`, after the
    judgements of the gate that follows it are written: the next thing is the move of the parts."""

    delay: float
    line: str = ""
    nth: int = 1
    gate: bool = False

    def __str__(self) -> str:
        return (
            f"{self.delay:.3f} s after {self.line.strip() + f' #{self.nth}' if self.line else 'the start'}{', gate' if self.gate else ''}"
        )


@dataclass
class Run:
    """One refresh in a process of its own: the exit code, or the step in which it was killed."""

    code: int
    seconds: float
    step: str
    stderr: str
    group: int
    killed: bool
    """By us; one that somebody else ended counts as an error."""


class Watched:
    """A refresh that runs: what its log says so far."""

    def __init__(self, root: Path, command: Sequence[str]):
        self._lake = root / "lake"
        self._before = {path: path.stat().st_size for path in self._logs()}
        self._errors = root.with_name(f"{root.name}.stderr")
        self.began = time.monotonic()
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        with self._errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [*command], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=errors, start_new_session=True
            )
        self._met: float | None = None
        self._judged, self._passed = 0.0, False

    def _logs(self) -> list[Path]:
        return sorted((self._lake / "logs").glob("refresh-*.log"))

    def lines(self) -> list[str]:
        """The log of this refresh; a log of the same second goes on in the same file."""
        found: list[str] = []
        for path in self._logs()[-2:]:
            with path.open("rb") as file:
                file.seek(self._before.get(path, 0))
                found += file.read().decode("utf-8", errors="replace").splitlines()
        return found

    def is_due(self, trigger: Trigger) -> bool:
        now = time.monotonic()
        if self._met is None:
            self._met = self.began if not trigger.line else now if self._is_told(trigger) else None
            self._judged = self._results()
        if trigger.gate and self._met is not None and not self._passed:
            self._passed, self._met = self._judged != self._results(), now
        return self._met is not None and self._passed >= trigger.gate and now - self._met >= trigger.delay

    def _is_told(self, trigger: Trigger) -> bool:
        return sum(re.search(trigger.line, line) is not None for line in self.lines()) >= trigger.nth

    def _results(self) -> float:
        """When the newest judgements were written."""
        return max((path.stat().st_mtime for path in (self._lake / "quality" / "results").glob("*.parquet")), default=0.0)

    def run(self, trigger: Trigger | None, *, alone: bool = False) -> Run:
        """Waits until the refresh ends, or kills it: with its children, or `alone`."""
        try:
            while self.process.poll() is None and not (trigger and self.is_due(trigger)):
                time.sleep(LOOK_S if trigger else 10 * LOOK_S)
        except BaseException:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise
        ours = self.process.returncode is None
        if ours:
            (os.kill if alone else os.killpg)(self.process.pid, signal.SIGKILL)
        code = self.process.wait()
        seconds = time.monotonic() - self.began
        text = self._errors.read_text(encoding="utf-8", errors="replace")
        return Run(code, seconds, step_of(self.lines()), text, self.process.pid, ours and code == -signal.SIGKILL)


def step_of(lines: Sequence[str]) -> str:
    """The step that a log ends in."""
    told = [line.split(" INFO plantlake.refresh ", 1)[1] for line in lines if " INFO plantlake.refresh " in line]
    if not told:
        return "start"
    last = told[-1].split(" · ")[0] if told[-1].startswith("commit ") else told[-1]
    if last == "gate of gold":
        return "after dbt: laws, gate, move"
    if last.startswith("dbt "):
        return "dbt"
    if last.endswith(" · conform"):
        return "conform"
    return "land" if last.count(" · ") == 2 else last


def cli(root: Path) -> list[str]:
    return [sys.executable, "-m", "pipelines.cli", "refresh", "-p", str(root)]


def quick(root: Path) -> list[str]:
    """A refresh without Dagster and without quality checks."""
    code = "import sys; from pathlib import Path; from bench.crash import in_peace; in_peace(Path(sys.argv[1]), quality=False)"
    return [sys.executable, "-c", code, str(root)]


def alive(group: int) -> list[str]:
    """Processes of a group that still run."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, rest = path.read_text().rsplit(")", 1)
        except OSError:
            continue
        if rest.split()[0] not in "ZX" and int(rest.split()[2]) == group:
            found.append(name)
    return found


def in_peace(root: Path, *, quality: bool = True, tell: Callable[[str], None] = lambda _: None) -> bool:
    """A refresh in this process, without Dagster; whether there was anything to do."""
    job = Refresh(root, tell=tell)
    with closing(job), writer_lock(job.lake) as lock, to_file(job.lake, job.outcome.refresh_id):
        job.checked = lock.check
        todo = job.plan()
        if todo:
            job.run(todo, quality=quality)
    return bool(todo)


def has_work(root: Path) -> bool:
    job = Refresh(root)
    with closing(job):
        return bool(job.plan())


# --- what is delivered ----------------------------------------------------------------------------------------------------------------


class Deliveries:
    """Waves of changes to a portfolio, the same for the same seed. The folder `root` is left with the stated files and no exports."""

    def __init__(self, root: Path, rng: random.Random, days: int):
        write_portfolio(root, days=days)
        self._rng, self._root = rng, root
        files = [path for path in (root / "landing").rglob("*") if path.is_file()]
        self._stock: list[Change] = [(path.relative_to(root).as_posix(), path.read_bytes()) for path in sorted(files, key=_arrival)]
        shutil.rmtree(root / "landing")
        self._text: list[Change] = []
        self._number = 0
        self._broken: list[str] = []

    def first(self) -> list[Change]:
        """A third of the files."""
        return self._files(len(self._stock) // 3)

    def next(self) -> tuple[str, list[Change]]:
        """The next wave: what it is, and its changes."""
        if self._broken:
            return "a broken file is taken away", [(self._broken.pop(), None)]
        kinds: dict[str, tuple[int, Callable[[], list[Change]]]] = {
            "files": (5 if self._stock else 0, lambda: self._files(self._rng.randint(1, 5))),
            "a corrected file": (3, self._corrected),
            "a broken file": (1, self._unreadable),
            "a plant file": (2, self._setting),
            "a vocabulary": (2, self._rate),
        }
        (kind,) = self._rng.choices(list(kinds), [weight for weight, _ in kinds.values()])
        changes = kinds[kind][1]()
        return f"{kind}: {', '.join(path for path, _ in changes)}", changes

    def _files(self, count: int) -> list[Change]:
        found, self._stock = self._stock[:count], self._stock[count:]
        self._text += [(path, content) for path, content in found if path.endswith(".csv") and "_exp" in path and content]
        return found

    def _later(self, path: str) -> str:
        """The name of the same export, made later."""
        self._number += 1
        return re.sub(
            r"_exp\d{8}T\d{4}", f"_exp2027{1 + self._number // 600:02}{1 + self._number // 24 % 25:02}T{self._number % 24:02}00", path
        )

    def _corrected(self) -> list[Change]:
        """One of the delivered files again, without one of its records."""
        path, content = self._rng.choice(self._text)
        assert content is not None
        lines = content.splitlines(keepends=True)
        if len(lines) > 2:
            del lines[self._rng.randrange(1, len(lines))]
        again = (self._later(path), b"".join(lines))
        self._text.append(again)
        return [again]

    def _unreadable(self) -> list[Change]:
        path, _ = self._rng.choice(self._text)
        self._broken.append(self._later(path))
        return [(self._broken[0], b"what;is;this\r\n1;2;3\r\n")]

    def _setting(self) -> list[Change]:
        """Another limit of short stops in one plant."""
        path = self._rng.choice(sorted((self._root / "plants").glob("*.yaml")))
        about = yaml.safe_load(path.read_text(encoding="utf-8"))
        about.setdefault("settings", {})["microstop_s"] = self._rng.randrange(60, 900, 30)
        text = yaml.safe_dump(about, sort_keys=False, allow_unicode=True)
        path.write_text(text, encoding="utf-8")
        return [(path.relative_to(self._root).as_posix(), text.encode())]

    def _rate(self) -> list[Change]:
        """Another ideal rate."""
        path = self._root / "vocabularies" / "ideal_rates.csv"
        rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"))))
        row = self._rng.choice(rows[1:])
        column = rows[0].index("rate")
        row[column] = f"{float(row[column]) * self._rng.uniform(0.98, 1.02):.3f}"
        buffer = io.StringIO(newline="")
        csv.writer(buffer, lineterminator="\n").writerows(rows)
        path.write_text(buffer.getvalue(), encoding="utf-8")
        return [("vocabularies/ideal_rates.csv", buffer.getvalue().encode())]


def _arrival(path: Path) -> tuple[str, str]:
    """When a file was made, by its name; agents write theirs at the end of the day."""
    made = re.search(r"_exp(\d{8})T", path.name) or re.search(r"-(\d{8})\.", path.name)
    return made[1] if made else "", path.as_posix()


def put(root: Path, changes: Sequence[Change]) -> None:
    """Writes a wave into a portfolio."""
    for name, content in changes:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            path.unlink()
        else:
            path.write_bytes(content)


# --- the reader -----------------------------------------------------------------------------------------------------------------------


@dataclass
class Seen:
    """What a reader saw in one snapshot."""

    release: int
    parts: dict[str, int]
    newest_part: int
    repeated: int
    status: set[str]
    quarantine: int
    kpis: tuple[int, float] | None
    """How many values and the sum of their numerators; None where nobody asked."""


def look(reader: Snapshot, *, kpis: bool) -> Seen:
    parts = reader.rows(
        "SELECT plant_id, count(*) FILTER (WHERE valid_to_release IS NULL), max(greatest(valid_from_release, coalesce(valid_to_release, 0)))"
        " FROM mart_kpi_parts_shift GROUP BY plant_id"
    )
    key = "plant_id, production_day, equipment_id, shift_instance_id, material_key"
    repeated = (
        f"SELECT count(*) FROM (SELECT 1 FROM mart_kpi_parts_shift WHERE valid_to_release IS NULL GROUP BY {key} HAVING count(*) > 1)"
    )
    values = "SELECT count(*), round(coalesce(sum(numerator), 0), 6) FROM kpi_value WHERE scope_type = 'PLANT' AND period_type = 'DAY' AND kpi_id = 'OEE'"
    return Seen(
        reader.rows("SELECT coalesce(max(release_id), 0) FROM release")[0][0],
        {plant: count for plant, count, _ in parts},
        max((newest for _, _, newest in parts), default=0),
        reader.rows(repeated)[0][0],
        {row[0] for row in reader.rows("SELECT plant_id FROM plant_status")},
        reader.rows("SELECT count(*) FROM quarantine")[0][0],
        reader.rows(values)[0] if kpis else None,
    )  # fmt: skip


class Judge:
    """What may not be seen: half a state, a release that goes back, a release that says two things."""

    def __init__(self) -> None:
        self.release = 0
        self._parts: dict[int, dict[str, int]] = {}
        self._kpis: dict[int, tuple[int, float]] = {}

    def wrong(self, seen: Seen) -> Iterator[str]:
        if seen.newest_part > seen.release:
            yield f"parts of release {seen.newest_part} in a snapshot of release {seen.release}"
        if seen.repeated:
            yield f"{seen.repeated} current parts have the same key as another"
        if missing := set(seen.parts) - seen.status:
            yield f"parts and no status: {', '.join(sorted(missing))}"
        if any(seen.parts.values()) and seen.kpis is not None and not seen.kpis[0]:
            yield "parts and no KPI value"
        if seen.release < self.release:
            yield f"release {seen.release} after release {self.release}"
        if (said := self._parts.setdefault(seen.release, seen.parts)) != seen.parts:
            yield f"release {seen.release} said {said} and says {seen.parts}"
        if seen.kpis is not None and (told := self._kpis.setdefault(seen.release, seen.kpis)) != seen.kpis:
            yield f"release {seen.release} said {told} and says {seen.kpis}"
        self.release = max(self.release, seen.release)


def watch(path: Path, stop: Any, told: Any, pause_s: float = 0.15) -> None:
    """Reads a snapshot again and again until `stop`; every fifth time the snapshot stays open for some seconds and has to say the same.

    Puts (polls, releases seen, what was wrong) into `told`.
    """
    judge, polls, wrong, releases = Judge(), 0, list[str](), set[int]()
    while not stop.is_set():
        time.sleep(pause_s)
        if not path.exists() and not polls:
            continue
        try:
            with Snapshot(path) as reader:
                stays = polls % 5 == 4
                seen = look(reader, kpis=stays)
                polls += 1
                releases.add(seen.release)
                wrong += [f"poll {polls}: {text}" for text in judge.wrong(seen)]
                for _ in range(6 if stays else 0):
                    time.sleep(4 * pause_s)
                    polls += 1
                    again = look(reader, kpis=True)
                    wrong += [f"poll {polls}: a snapshot that stayed open: {seen}, then {again}"] if again != seen else []
        except Exception as error:  # every error is what is looked for
            polls += 1
            wrong.append(f"poll {polls}: {type(error).__name__}: {error}")
    told.put((polls, len(releases), wrong))


@contextmanager
def watching(path: Path, into: Report) -> Iterator[None]:
    """A reader in a process of its own for the block."""
    context = multiprocessing.get_context("spawn")
    stop, told = context.Event(), context.Queue()
    process = context.Process(target=watch, args=(path, stop, told), daemon=True)
    process.start()
    try:
        yield
    finally:
        stop.set()
        try:
            into.polls, into.releases, into.reader_errors = told.get(timeout=60)
        except queue.Empty:
            into.reader_errors = ["the reader did not come to its end"]
        process.join(timeout=10)


# --- the run --------------------------------------------------------------------------------------------------------------------------


@dataclass
class Report:
    """What came of it."""

    kills: Counter[str] = field(default_factory=Counter)
    finished: Counter[int] = field(default_factory=Counter)
    """Exit code: refreshes that came to their end."""
    compared: int = 0
    mismatches: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    polls: int = 0
    releases: int = 0
    reader_errors: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        return not (self.mismatches or self.errors or self.reader_errors)

    def lines(self) -> list[str]:
        steps = [f"  {count:4}  {step}" for step, count in self.kills.most_common()]
        codes = ", ".join(f"{count} with exit code {code}" for code, count in sorted(self.finished.items()))
        return [
            f"kills               {self.kills.total()}", *steps,
            f"finished refreshes  {self.finished.total()} ({codes})",
            f"comparisons         {self.compared}, mismatches {len(self.mismatches)}",
            f"reader              {self.polls} polls, {self.releases} releases seen, {len(self.reader_errors)} errors",
            f"other errors        {len(self.errors)}",
            *self.mismatches, *self.errors[:20], *self.reader_errors[:20],
        ]  # fmt: skip


class Victim:
    """A lake whose refreshes are killed."""

    def __init__(self, root: Path, rng: random.Random, report: Report, again: float, *, quality: bool):
        self.root, self.rng, self.report, self.again, self.quality = root, rng, report, again, quality
        self.seconds = 20.0 if quality else 5.0
        """How long an undisturbed refresh takes; known better with each."""
        self._left: list[tuple[int, float]] = []

    def draw(self) -> Trigger:
        """Half at any moment, half after a line of the log; of those some just before the move of the parts."""
        if self.rng.random() < 0.5:
            return Trigger(self.rng.uniform(0, self.seconds))
        delay = self.rng.uniform(0, 0.3)
        if self.rng.random() < 0.2:  # without gates the move comes at once
            return Trigger(delay, LAST_MODEL, gate=True) if self.quality else Trigger(4 * delay, LAST_MODEL)
        line = self.rng.choice(AT_LINES)
        return Trigger(delay, line, self.rng.randint(1, {" commit ": 3, " dbt ": 40}.get(line, 1)))

    def wave(self, kills: int) -> None:
        """Refreshes until one comes to its end; at most `kills` of them are killed, the first always."""
        while True:
            trigger = self.draw() if kills > 0 else None
            run = Watched(self.root, (cli if self.quality else quick)(self.root)).run(trigger, alone=self.rng.random() < 0.5)
            self._orphans()
            if not run.killed:
                self._finished(run)
                return
            self.report.kills[run.step] += 1
            self._left.append((run.group, time.monotonic()))
            progress(f"  killed {trigger}: in '{run.step}' after {run.seconds:.1f} s")
            kills = kills - 1 if self.rng.random() < self.again else 0

    def _finished(self, run: Run) -> None:
        self.report.finished[run.code] += 1
        if run.step == "upkeep" and self.report.finished.total() > 1:  # the first one loads most of the files
            self.seconds = (self.seconds + run.seconds) / 2
        if run.code not in (0, 1) or "Traceback" in run.stderr:
            self.report.errors.append(f"exit code {run.code} in '{run.step}': {run.stderr[-3000:]}")

    def _orphans(self) -> None:
        """Children of a refresh that was killed alone have to end by themselves."""
        for group, since in list(self._left):
            found = alive(group)
            if found and time.monotonic() - since > ORPHAN_S:
                self.report.errors.append(f"still there {ORPHAN_S:.0f} s after their refresh was killed: {', '.join(found)}")
                os.killpg(group, signal.SIGKILL)
            if not found or time.monotonic() - since > ORPHAN_S:
                self._left.remove((group, since))


def gates(lake: Lake) -> equal_lakes.Frames:
    """Plants that are held, and what is still to be built."""
    with state.connection(lake) as con:
        held = con.sql("SELECT plant_id, gate, reason FROM gold.plant_gate").pl()
        scope = con.sql("SELECT DISTINCT plant_id, equipment_id, production_day FROM gold.change_scope WHERE state <> 'CLOSED'").pl()
    return {"plant_gate": held, "open_scope": scope}


def differences(victim: Path, twin: Path) -> list[str]:
    """In what two lakes differ; the victim is on the left."""
    ours, theirs = Lake(victim / "lake"), Lake(twin / "lake")
    reads = (equal_lakes.silver_tables, equal_lakes.gold_tables, equal_lakes.accounts, gates)
    return [text for read in reads for text in equal_lakes.differences(read(ours), read(theirs))]


def progress(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def crash(folder: Path, *, kills: int, seed: int, minutes: float, days: int, again: float = 0.4, quality: bool = True) -> Report:
    """Kills refreshes of a victim in `folder` until the kills or the minutes are used up, or the victim differs from its twin."""
    report, ends = Report(), time.monotonic() + 60 * minutes
    victim, twin = Victim(folder / "victim", random.Random(seed), report, again, quality=quality), folder / "twin"
    deliveries = Deliveries(folder / "stated", random.Random(seed + 1), days)
    for root in (victim.root, twin):
        shutil.copytree(folder / "stated", root)
    what, changes = "the first files", deliveries.first()
    with watching(victim.root / "lake" / "kpi.duckdb", report):
        while report.kills.total() < kills and time.monotonic() < ends and not report.mismatches and len(report.errors) < 5:
            progress(f"{report.kills.total()} kills, {report.compared} waves; {what}")
            for root in (victim.root, twin):
                put(root, changes)
            victim.wave(kills - report.kills.total())
            in_peace(twin, quality=quality)
            report.compared += 1
            report.mismatches += [f"after '{what}': {text}" for text in differences(victim.root, twin)]
            if has_work(victim.root) and not has_work(twin):
                report.errors.append(f"after '{what}': a finished refresh left work behind")
            what, changes = deliveries.next()
    return report


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--kills", type=int, default=100)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--minutes", type=float, default=60)
    asked.add_argument("--days", type=int, default=10, help="production days of the sample portfolio")
    asked.add_argument("--again", type=float, default=0.4, help="probability that the refresh after a kill is killed too")
    asked.add_argument("--quick", action="store_true", help="without Dagster and quality checks: more kills in commits, dbt and publishing")
    asked.add_argument("--keep", action="store_true", help="keep the lakes although all is well")
    options = asked.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="plantlake-crash-"))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    report = crash(
        folder, kills=options.kills, seed=options.seed, minutes=options.minutes, days=options.days, again=options.again,
        quality=not options.quick,
    )  # fmt: skip
    print("\n".join(report.lines()))
    if report.is_good and not options.keep:
        shutil.rmtree(folder)
    else:
        print(f"The lakes are kept in {folder}.")
    return 0 if report.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
