"""The models of `portfolio.yaml` and `plants/<plant_id>.yaml`: everything a user may write, each field described once.

Here: shape and the rules inside one file. Elsewhere: reading files, line numbers and rules across files (`connectors.portfolio`),
which canonical columns a table has (`transforms.tables`), the options of a kind (the kind's own module), the execution of a
mapping (`transforms.conform`). The descriptions below become the JSON Schema that editors complete from.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StrictBool, StrictFloat, StrictInt, field_validator, model_validator

from connectors.publishing import Publish
from connectors.receivers import Receiver
from connectors.secrets import Secret
from connectors.strict import Duration, StrictModel

PLANT_ID = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$"
CLOCK = r"([01]\d|2[0-3]):[0-5]\d"
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

StateMethod = Literal["MEASURED", "RESIDUAL", "NONE"]
Mode = Literal["append", "upsert", "window", "snapshot"]
RateBasis = Literal["BEST_DEMONSTRATED", "ENGINEERED", "ERP_STANDARD", "TARGET", "NAMEPLATE"]


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


LEFT_TO_RIGHT = Field(union_mode="left_to_right")
Texts = Annotated[tuple[str, ...], BeforeValidator(_as_list)]
Word = Annotated[str, BeforeValidator(_as_text)]
"""A word of the plant's data; YAML may read it as a number, the data never does."""
Plain = StrictBool | StrictInt | StrictFloat | str
Setting = Annotated[Secret | Plain | dict[str, Annotated[Secret | Plain, LEFT_TO_RIGHT]], LEFT_TO_RIGHT]
"""One setting of a connection; what is secret is a reference, which is no dict of settings."""


def weekdays(text: str) -> tuple[int, ...]:
    """The weekdays that a text names, Monday = 0.

    >>> weekdays("Mon-Fri"), weekdays("Sat, Sun"), weekdays("daily")
    ((0, 1, 2, 3, 4), (5, 6), (0, 1, 2, 3, 4, 5, 6))
    """
    if text.strip().lower() in {"daily", "all"}:
        return tuple(range(7))
    days: set[int] = set()
    for part in text.split(","):
        first, _, last = (end.strip().title()[:3] for end in part.partition("-"))
        if first not in WEEKDAYS or (last and last not in WEEKDAYS):
            raise ValueError(f"'{part.strip()}' is not a weekday or a range of weekdays; write Mon-Fri, 'Sat, Sun' or daily")
        start, end = WEEKDAYS.index(first), WEEKDAYS.index(last or first)
        days |= {day % 7 for day in range(start, end + 1 if end >= start else end + 8)}
    return tuple(sorted(days))


class Condition(StrictModel):
    """A test on one source column. Exactly one of the tests is given."""

    column: str
    """The source column."""
    in_: tuple[Word, ...] | None = Field(default=None, alias="in")
    """True where the text is one of these (blanks at the ends do not count)."""
    not_in: tuple[Word, ...] | None = None
    """True where the text is none of these."""
    matches: str | None = None
    """True where this regular expression is found in the text."""
    empty: bool | None = None
    """True where the field is empty (true) or filled (false)."""

    @model_validator(mode="after")
    def _one_test(self) -> Condition:
        if sum(test is not None for test in (self.in_, self.not_in, self.matches, self.empty)) != 1:
            raise ValueError("give exactly one of in, not_in, matches, empty")
        return self


class Split(StrictModel):
    """One part of a text that holds several."""

    sep: str
    """The separator."""
    part: int = 1
    """Which part, from 1; -1 is the last."""


class Counter(StrictModel):
    """A total that only grows: what was made is the step between two readings of a unit, in the order of `event_ts`."""

    by: Annotated[tuple[str, ...], BeforeValidator(_as_list)] = ()
    """Columns that tell counters of one unit apart, such as the tag."""
    modulus: int | None = Field(default=None, gt=0)
    """At how many it begins again at 0 (65536 for 16 bits); default: a lower reading is a reset, and counts from 0."""


class Column(StrictModel):
    """How one canonical column comes from the source. A bare text is short for `{from: text}`."""

    from_: Texts | None = Field(default=None, alias="from")
    """Source column, or several that are joined with `sep`."""
    sep: str = " "
    """Between the joined columns."""
    const: Word | None = None
    """A constant instead of a column."""
    from_name: str | None = None
    """Regular expression whose first group is taken from the export's name: a machine, a tag or a day that stands nowhere else."""
    prefix: Word | None = None
    """Put before the text, such as the year that the source leaves out."""
    split: Split | None = None
    """Take one part of the text."""
    regex: str | None = None
    """Take the group of this regular expression, or several joined with `sep`; rows where it is not found become empty."""
    nulls: tuple[Word, ...] = ()
    """Texts that mean 'empty' in this column, such as '-' or '00000000'."""
    default: Word | None = None
    """Used where the column is empty."""
    map: dict[Word, Word] | str | None = None
    """Source text to canonical text, exact (blanks at the ends do not count); or, for `state_class`, the standard whose names the source
    delivers: PackML, SEMI_E10, OPC_UA_Machinery, PTC_DPM, Sepasoft."""
    else_: Word = Field(default="reject", alias="else")
    """For texts that `map` does not list: reject (the row), keep (the text), empty, or any other text as the value."""
    format: Texts = ()
    """Format(s) of a date or time, tried in order: strptime, or epoch_s, epoch_ms, excel. ISO 8601 needs none."""
    since: Column | None = None
    """The numbers count from this moment, in `unit` (default s); `from: _row` counts the records of a file without a time column."""
    timezone: str | None = None
    """Zone of this column, where it differs from the source's: an IANA name or UTC."""
    shift: str | None = None
    """The column with the shift code: the time is then the start of that shift on the day given by `from`."""
    stamped: Literal["start", "end"] = "start"
    """'end': the stamp ends its interval, so that 14:00:00 still belongs to the shift that ends at 14:00."""
    unit: str | None = None
    """Unit of the numbers (UCUM or common: kg, lb, s, min, h, 1/h, {piece}); converted to the canonical unit."""
    unit_from: str | None = None
    """The column that holds the unit of each row."""
    negate: Condition | None = None
    """Numbers of rows that meet this condition change their sign (reversals delivered with positive quantities)."""
    counter: Counter | None = None
    """The numbers are readings of a counter ({} for one that is reset): the quantity is the step to the reading before."""
    sum: bool = False
    """Numbers of the columns in `from` are added (empty counts as 0 unless all are empty) instead of joined as text."""
    sql: str | None = None
    """The escape hatch: a polars SQL expression over the source columns."""

    @model_validator(mode="after")
    def _one_origin(self) -> Column:
        if sum(origin is not None for origin in (self.from_, self.const, self.sql, self.from_name)) != 1:
            raise ValueError("give exactly one of from, const, from_name, sql")
        return self


def _as_column(value: Any) -> Any:
    return {"from": value} if isinstance(value, str | list) else value


class Intervals(StrictModel):
    """Rows that carry one time stamp for an interval on a regular grid (a logger that writes every 5 minutes)."""

    stamped: Literal["start", "end"] = "end"
    """Whether the stamp is the start or the end of the interval."""
    grid_s: int = Field(gt=0)
    """Seconds of the grid. An interval reaches to its neighbour of the same equipment, never beyond its grid line."""
    first: Literal["grid", "unknown"] = "grid"
    """The first interval of a unit in an export, which has no neighbour: to its grid line, or unknown and therefore left out."""


class Limits(StrictModel):
    """What the numbers of a tag can be."""

    low: float | None = None
    """The least that is possible."""
    high: float | None = None
    """The most that is possible."""


class Table(StrictModel):
    """How one canonical table comes from the records of a source."""

    mode: Mode | None = None
    """append, upsert (later export wins), window (replaces what it covers), snapshot (master data); default by table."""
    columns: dict[str, Annotated[Column, BeforeValidator(_as_column)]]
    """Canonical column: source column, or a mapping."""
    skip: dict[str, Condition] = {}
    """Records that are not for this table, by the name under which they are counted."""
    withdrawn: Condition | None = None
    """Records that take back what was told of their key: a cancelled document (docstatus 2), a deletion (MSGFN 003, operation D)."""
    key: Texts | None = None
    """Source columns that identify a record, where the canonical natural key does not."""
    records: str | None = None
    """Which record set of the connector (mtconnect: observations, states, counts; sap_idoc: the name of a segment)."""
    intervals: Intervals | None = None
    """For state events with one stamp a row."""
    limits: dict[str, Limits] = {}
    """For samples, by tag: a number outside is UNCERTAIN (OPC: engineering units exceeded), whatever its source says."""


class FromName(StrictModel):
    """A value taken from the export's name."""

    from_name: str
    """Regular expression whose first group is the value."""
    format: Texts = ()
    """Format(s) of the value; default: %Y%m%d, %Y-%m-%d, %Y%m%d%H%M%S and the like."""


class Covers(StrictModel):
    """The window of event times that an export states it covers: [first group, second group)."""

    from_name: str
    """Regular expression with one group (a day or a month, by its format) or two (start, end)."""
    format: Texts = ()
    """Format(s) of the groups."""


class ChangedTable(StrictModel):
    """One table of a source, as far as it reads otherwise."""

    columns: dict[str, Annotated[Column | None, BeforeValidator(_as_column)]] = {}
    """Canonical column: its mapping from then on, in place of the one before; null where the source no longer delivers it."""


class Change(StrictModel):
    """What reads otherwise from an export on. Exports before it read as before, whenever they arrive."""

    since: str
    """Name of the first export that is so. Exports are told apart by the time that their names state, else by their names."""
    timezone: str | None = None
    """The zone of the local times from then on."""
    options: dict[str, Any] = {}
    """Options of the kind that are others from then on."""
    tables: dict[str, ChangedTable] = {}
    """Columns of canonical tables that are mapped otherwise from then on."""


class Source(StrictModel):
    """One kind of export of a plant."""

    preset: str | None = None
    """What is known of the system, such as sap.afru or erpnext.job_card (`plantlake preset list`): the source then states what differs,
    and null takes a key away."""
    headers: dict[Word, Word] = {}
    """Columns of the preset that have another name in this plant's exports, such as {MENGE: Menge}."""
    kind: str
    """The connector: delimited, excel, mtconnect_shdr, ...; a preset names its own."""
    path: str
    """Pattern below the root, such as mes/stops_*.csv; of a system, what is asked of it (a table, a view, a stream)."""
    root: str | None = None
    """Where this source is, if not below the plant's root: a folder or a URL (s3://, sftp://, https://, postgresql://, opc.tcp://)."""
    connection: dict[str, Setting] = {}
    """Settings of the connection to `root`, such as user or endpoint; secrets by reference: {env: NAME}, {file: path}, {manager: name}."""
    options: dict[str, Any] = {}
    """Options of the kind (docs/connectors/<kind>.md)."""
    timezone: str | None = None
    """Zone of the source's local times, where it is not the plant's; UTC for a source that writes UTC."""
    no_dst: bool = False
    """The source keeps standard time all year (LOCAL_NO_DST)."""
    exported_at: FromName | None = None
    """Orders the exports; else the end of the data, else the name."""
    covers: Covers | None = None
    """The window an export states; needed by mode window, and the watermark of a quiet source."""
    complete_until: Literal["data", "exported_at"] = "data"
    """Up to when an export tells everything: the end of its data (or the window it states), or the moment it was taken."""
    clock_offset_s: float = 0.0
    """Source clock minus true time, in seconds; subtracted from its state events and counts."""
    clock_reference: str | None = None
    """The source whose clock is right: the offset of each day is estimated from the stops that both saw, and subtracted where it is
    steady. Instead of clock_offset_s; both sources deliver state events."""
    rank: dict[Literal["RUN", "SETUP", "DELAY_EQ", "DELAY_ORG", "IDLE"], Annotated[int, Field(ge=1, le=16)]] = {}
    """Precedence of this source's states where events overlap; lower wins. Default: 10, 20, 30, 40, 90 in ISO order."""
    expect: str | None = None
    """When exports are due, for people: 'daily by 07:30'."""
    renamed: dict[Word, Word] = {}
    """Column as some exports name it: its name in the mapping. Holds for every export that has the first and not the second."""
    changes: tuple[Change, ...] = ()
    """What reads otherwise from an export on; where several hold, the later in this list counts."""
    tables: dict[str, Table] = Field(min_length=1)
    """Canonical table: how it is mapped."""

    @model_validator(mode="after")
    def _headers_of_a_preset(self) -> Source:
        if self.headers and not self.preset:
            raise ValueError("headers gives columns of a preset other names; this source names no preset")
        return self


class Shift(StrictModel):
    """One line of the local shift pattern."""

    at: str = Field(pattern=rf"^{CLOCK}-({CLOCK}|24:00)$")
    """Local start-end; an end at or before the start is on the next day."""
    days: str
    """Mon-Fri, 'Sat, Sun', daily: of the local day on which the shift starts."""

    _days = field_validator("days")(lambda text: weekdays(text) and text)


class Break(Shift):
    """A planned break of every unit, repeated by the local pattern."""

    planned_class: Literal["PLANNED_BREAK", "PLANNED_MAINT", "PLANNED_NO_DEMAND", "PLANNED_OTHER"] = "PLANNED_BREAK"
    """What the time is taken out as."""


class UnitSettings(StrictModel):
    """Rules of one unit that differ from the plant's."""

    microstop_s: int | None = Field(default=None, ge=0)
    """A stop block shorter than this many seconds is a micro-stop."""
    flicker: bool | None = None
    """Whether run time shorter than one ideal cycle between two stops of one reason leaves them one stop (rule T18)."""


class Unit(StrictModel):
    """One piece of equipment."""

    name: str | None = None
    """Name for people; default: the code."""
    class_: str | None = Field(default=None, alias="class")
    """Portfolio technology class (vocabularies/equipment_classes.csv): the comparison group."""
    level: str = "WorkUnit"
    """ISA-95 level; what a line names as its area is an Area."""
    parent: str | None = None
    """Code of the equipment above."""
    kpi_unit: bool = True
    """Whether a ledger of time is built for it (exactly one level of a branch)."""
    scope: Literal["MACHINE", "LINE"] = "MACHINE"
    """What its OEE means."""
    state_method: StateMethod | None = None
    """MEASURED (states), RESIDUAL (only stops are logged), NONE (only counts); default: the plant's setting."""
    aliases: tuple[Word, ...] = ()
    """Other spellings in the plant's data."""
    settings: UnitSettings = UnitSettings()
    """Rules of this unit that differ from the plant's."""


class Line(StrictModel):
    """A production line: a KPI unit made of stations, which keep their own ledgers and count in the plant through the line alone."""

    name: str | None = None
    """Name for people; default: the code."""
    class_: str | None = Field(default=None, alias="class")
    """Portfolio technology class of the line."""
    area: Word | None = None
    """Code of the area that it stands in, which is a unit with kpi_unit: false."""
    stations: tuple[Word | tuple[Word, ...], ...] = Field(min_length=1)
    """Codes of its stations (equipment.units) from infeed to end; a list inside the list works in parallel: [S1, [S2a, S2b], S3]."""
    constraint: Word | None = None
    """The station that limits the line, where a product has no rates of stations."""
    output: Word | None = None
    """The station whose good count is the line's; default: the last."""
    valid_from: date | None = None
    """First day on which it was made of these stations; default: always."""

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        """Its stations from infeed to end, those together that work in parallel."""
        return tuple((station,) if isinstance(station, str) else station for station in self.stations)

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(code for group in self.groups for code in group)

    @property
    def outputs(self) -> tuple[str, ...]:
        return (self.output,) if self.output else self.groups[-1]

    @model_validator(mode="after")
    def _stations_once(self) -> Line:
        codes = self.codes
        if len(set(codes)) < len(codes):
            raise ValueError("a station stands twice in stations")
        for key, code in (("constraint", self.constraint), ("output", self.output)):
            if code and code not in codes:
                raise ValueError(f"{key} '{code}' is none of the line's stations ({', '.join(codes)})")
        return self


class Equipment(StrictModel):
    """The plant's equipment, as far as no master export brings it."""

    unknown: Literal["reject", "add"] = "add"
    """A code that is not listed: reject the row (UNKNOWN_EQUIPMENT), or add the unit."""
    class_: str | None = Field(default=None, alias="class")
    """Class of units that state none."""
    not_kpi_units: tuple[Word, ...] = ()
    """Codes that are no KPI units, such as manual work centres with parallel capacity."""
    units: dict[Word, Unit] = {}
    """Code as on the shop floor: what is known of it."""


class Settings(StrictModel):
    """Rules that reach SQL as data. A portfolio gives the defaults, a plant what differs."""

    state_method: StateMethod | None = None
    """MEASURED (states), RESIDUAL (only stops are logged: the rest is run time), NONE (only counts)."""
    microstop_s: int | None = Field(default=None, ge=0)
    """A stop block shorter than this many seconds is a micro-stop (ISO 22400: a portfolio-wide choice; default 300)."""
    plan_freeze_h: float | None = Field(default=None, ge=0)
    """A planned stop counts as planned only if it was in the plan so many hours before (default 24)."""
    rate_basis: tuple[RateBasis, ...] | None = None
    """Which ideal rates count, best first (default BEST_DEMONSTRATED, ENGINEERED, ERP_STANDARD)."""
    min_rate_coverage: float | None = Field(default=None, ge=0, le=1)
    """Below this share of rated run time an OEE is withheld (default 0.95)."""
    flicker: bool | None = None
    """Whether run time shorter than one ideal cycle between two stops of one reason leaves them one stop (rule T18; default false)."""


class Definition(StrictModel):
    """How the plant's own OEE is defined (specification 4.1); what is not stated is not known."""

    breaks_in_pbt: bool | None = None
    """Planned breaks count as planned busy time."""
    planned_maint_in_pbt: bool | None = None
    """So does planned maintenance."""
    no_demand_in_pbt: bool | None = None
    """So does time without orders."""
    setup_in_pbt: bool = True
    """So does setup."""
    rework_counts_as_good: bool | None = None
    """Pieces that need rework count as good."""
    microstop_threshold_s: int | None = Field(default=None, ge=0)
    """Stops from this many seconds on are seen; without it micro-stops cannot be told."""
    rate_basis: RateBasis | None = None
    """What its performance is measured against."""
    perf_capped_at_source: bool | None = None
    """Performance above 100 % is cut before it is reported."""
    scrap_scope: Literal["STATION", "LINE", "INCL_CUSTOMER"] | None = None
    """Whose scrap counts."""
    oee_scope: Literal["MACHINE", "CONSTRAINT", "LINE_END"] | None = None
    """Where on a line it is measured."""


class Assumption(StrictModel):
    """Something the plant did not state and the file assumes: the KPIs that rest on it say ESTIMATED."""

    about: Literal["calendar", "ideal_rate", "timezone", "state_method", "quality", "other"]
    """What was assumed."""
    because: str
    """Why this and not something else, for the reader of the number."""


class PlantFile(StrictModel):
    """plants/<plant_id>.yaml: where one plant's exports are, how they read, and what each column means."""

    plant: str = Field(pattern=PLANT_ID)
    """The stable short id; equals the file's name; never the ERP plant number."""
    name: str
    """Name for people."""
    company: str
    """The portfolio company it belongs to (roll-up)."""
    timezone: str
    """IANA name such as Europe/Berlin; never an offset."""
    country: str | None = Field(default=None, pattern="^[A-Z]{2}$")
    """ISO 3166-1 alpha-2."""
    currency: str | None = Field(default=None, pattern="^[A-Z]{3}$")
    """ISO 4217; default: the portfolio's."""
    acquired_on: date | None = None
    """Closing date of the acquisition."""
    divested_on: date | None = None
    """Closing date of the sale."""
    data_start_on: date | None = None
    """First production day with usable data; default: the day of the first record."""
    production_day_start: str = Field(default="00:00", pattern=f"^{CLOCK}$")
    """Local time at which a production day starts."""
    owner: str | None = None
    """Who answers for the data: team:acme-ops or a mail address."""
    stale_after: Duration | None = None
    """Without new data for longer than this the plant is stale, and alerts tell so; default: the portfolio's."""
    root: str | None = None
    """Where exports are: a folder (relative to the portfolio) or a URL; default landing/<plant>."""
    connection: dict[str, Setting] = {}
    """Settings of the connection to `root`, for sources without a root of their own, which may add to them; secrets by reference."""
    calendar: Literal["pattern", "records", "none"] | None = None
    """pattern: the shifts below run; records: only machine-shifts that a source maps to shift_instance; none: unknown."""
    shifts: dict[Word, Shift] = {}
    """Shift code: local pattern."""
    breaks: dict[Word, Break] = {}
    """Name: planned break inside shifts, by local pattern."""
    holidays: str | tuple[date, ...] = ()
    """Country (or country-region) of a public calendar such as US or DE-BY, a list of dates, or a file with one date a line."""
    equipment: Equipment = Equipment()
    """Units, aliases and classes."""
    lines: dict[Word, Line] = {}
    """Code of a line: its stations."""
    definition: Definition = Definition()
    """How the plant's own OEE is defined."""
    settings: Settings = Settings()
    """What differs from the portfolio's settings."""
    assumptions: tuple[Assumption, ...] = ()
    """What this file assumes, and why."""
    sources: dict[str, Source] = Field(min_length=1)
    """The plant's exports."""

    @model_validator(mode="after")
    def _calendar_is_told(self) -> PlantFile:
        if self.calendar == "pattern" and not self.shifts:
            raise ValueError("calendar: pattern needs shifts; write shifts, or calendar: none where they are unknown")
        if self.calendar is None and not self.shifts:
            raise ValueError("no shifts are given; write shifts, or calendar: none where the plant's calendar is unknown")
        return self

    @property
    def calendar_kind(self) -> str:
        return self.calendar or "pattern"


class PortfolioFile(StrictModel):
    """portfolio.yaml: what all plants share."""

    name: str
    """Name of the portfolio."""
    currency: str = Field(default="USD", pattern="^[A-Z]{3}$")
    """Reporting currency."""
    lake: str = "lake"
    """Where the lake is: a folder, relative to the portfolio."""
    site: str = "site"
    """Where the dashboard is written."""
    secret_command: str | None = None
    """Prints a secret of a manager, {name} standing for its name: `vault kv get -field=value plantlake/{name}`."""
    settings: Settings = Settings()
    """Defaults of every plant."""
    publish: Publish = Publish()
    """What is made of the published snapshot."""
    stale_after: Duration = timedelta(days=4)
    """A plant without new data for longer than this is stale, and alerts tell so; default 4d: a long weekend."""
    site_url: str | None = Field(default=None, pattern=r"^https?://[^/\s]\S*$")
    """Where people open the dashboard; alerts link to it."""
    alerts: tuple[Receiver, ...] = ()
    """Who is told when something happens."""

    @model_validator(mode="after")
    def _names_once(self) -> PortfolioFile:
        names = [receiver.name for receiver in self.alerts]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two receivers of alerts are called '{twice[0]}'")
        return self
