"""B2MML messages (`kind: b2mml`): ISA-95 performances, schedules, equipment, materials and events in XML, V04 to V0700.

Here: which elements are the rows of each record set, with their fields and the ids of what they stand in. Elsewhere: the parser
(`connectors.kinds.documents.xml_text`), what a quantity counts (the plant file's map).

Elements are known by their local names: the namespace changed with every version, and V0700 renamed Production* to Operations* and
nested elements to *Child. Columns carry the names of V0700 in snake case. A field that stands several times is a JSON list of texts;
an element with several quantities (or values) is a record each, numbered. A message is in memory as a whole, because the ids that a row
repeats may stand behind it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from connectors.contract import FileConnector
from connectors.errors import Problem, ReadError, listed
from connectors.kinds.documents.xml_text import Element, attributes, child, joined, local, root_of, text
from connectors.kinds.files.record_frames import Record, framed
from connectors.strict import StrictModel

Names = tuple[str, ...]

PERFORMANCES = ("OperationsPerformance", "ProductionPerformance", "WorkPerformance", "WorkPerformanceChild")
RESPONSES = ("OperationsResponse", "ProductionResponse", "WorkResponse", "WorkResponseChild")
SEGMENT_RESPONSES = ("SegmentResponse", "SegmentResponseChild", "JobResponse")
SCHEDULES = ("OperationsSchedule", "ProductionSchedule", "WorkSchedule", "WorkScheduleChild")
REQUESTS = ("OperationsRequest", "ProductionRequest", "WorkRequest", "WorkRequestChild")
SEGMENT_REQUIREMENTS = ("SegmentRequirement", "SegmentRequirementChild", "JobOrder")
EQUIPMENT = ("Equipment", "EquipmentChild")
EQUIPMENT_CLASSES = ("EquipmentClass", "EquipmentClassChild")
MATERIAL_DEFINITIONS = ("MaterialDefinition", "AssemblyDefinition")
MATERIAL_CLASSES = ("MaterialClass", "AssemblyClass")
MATERIAL_LOTS = ("MaterialLot", "AssemblyLot", "MaterialSubLot", "MaterialSubLotChild", "AssemblySubLot")
MATERIAL_ACTUALS = ("MaterialActual", "MaterialProducedActual", "MaterialConsumedActual", "ConsumableActual", "AssemblyActual")
EQUIPMENT_ACTUALS = ("EquipmentActual", "EquipmentActualChild")
PERSONNEL_ACTUALS = ("PersonnelActual", "PersonnelActualChild")
PHYSICAL_ASSET_ACTUALS = ("PhysicalAssetActual", "PhysicalAssetActualChild")
MATERIAL_REQUIREMENTS = (
    "MaterialRequirement", "MaterialProducedRequirement", "MaterialConsumedRequirement", "ConsumableExpected", "AssemblyRequirement",
)  # fmt: skip
EQUIPMENT_REQUIREMENTS = ("EquipmentRequirement", "EquipmentRequirementChild")
PERSONNEL_REQUIREMENTS = ("PersonnelRequirement", "PersonnelRequirementChild")
SEGMENT_DATA = ("SegmentData", "SegmentDataChild", "ProductionData", "JobResponseData")
PARAMETERS = ("SegmentParameter", "ProductionParameter", "JobOrderParameter", "ParameterChild", "Parameter")
EVENTS = ("OperationsEvent", "OperationsEventChild")
EVENT_RECORDS = ("OperationsEventRecord", "OperationsRecordChild")
EVENT_ENTRIES = ("OperationsRecordEntry", "OperationsRecordEntryChild")

PERFORMANCE = (*PERFORMANCES, *RESPONSES, *SEGMENT_RESPONSES)
SCHEDULE = (*SCHEDULES, *REQUESTS, *SEGMENT_REQUIREMENTS)
ASSETS = (*EQUIPMENT, *EQUIPMENT_CLASSES, "EquipmentInformation")
MATERIAL = (*MATERIAL_DEFINITIONS, *MATERIAL_CLASSES, *MATERIAL_LOTS, "MaterialInformation")
EVENT = (*EVENTS, "OperationsEventInformation")
FAMILIES = (PERFORMANCE, SCHEDULE, ASSETS, MATERIAL, EVENT)

SCOPES = ("HierarchyScope", "Location")
SCOPES_BELOW = ("HierarchyScopeChild", "HierarchyScope", "Location")
LEVELS = ("EquipmentLevel", "EquipmentElementLevel")
VALUED = {"Quantity": "QuantityString", "Value": "ValueString"}
"""Elements that hold a text with its type and unit, and where in them the text is."""
ACTUAL_IDS = {
    "material_class_id": ("MaterialClassID",), "material_definition_id": ("MaterialDefinitionID",),
    "material_lot_id": ("MaterialLotID",), "material_sub_lot_id": ("MaterialSubLotID",), "equipment_class_id": ("EquipmentClassID",),
    "equipment_id": ("EquipmentID",), "personnel_class_id": ("PersonnelClassID",), "person_id": ("PersonID",),
    "physical_asset_class_id": ("PhysicalAssetClassID",), "physical_asset_id": ("PhysicalAssetID",),
}  # fmt: skip


@dataclass(frozen=True)
class RecordSet:
    """Rows of one kind."""

    elements: Names
    """Elements that are a row."""
    fields: Mapping[str, Names]
    """Column: the child that holds it, by its names in all versions."""
    family: Names
    """Elements of which a message has one when it is about such rows at all."""
    above: Mapping[str, tuple[Names, Names]] = field(default_factory=dict)
    """Column: the nearest element around a row that has one of some names, and its child."""
    nearest: Mapping[str, Names] = field(default_factory=dict)
    """Column: the child of the row or of the nearest element around it that has one."""
    valued: Names = ()
    """Which of VALUED it holds; each is a record."""


def _own(*names: str, **others: Names) -> dict[str, Names]:
    """Fields that are called alike in all versions, by their column; and those that are not."""
    return {name: (_camel(name),) for name in names} | dict(others)


def _camel(column: str) -> str:
    """
    >>> _camel("material_sub_lot_id"), _camel("mom_function")
    ('MaterialSubLotID', 'MOMFunction')
    """
    return "".join({"id": "ID", "mom": "MOM"}.get(word, word.title()) for word in column.split("_"))


IDS = _own("id", "description", "version")
TIMES = {"start_time": ("StartTime",), "end_time": ("EndTime", "Endtime")}
OF_RESPONSE = {
    "performance_id": (PERFORMANCES, ("ID",)), "response_id": (RESPONSES, ("ID",)),
}  # fmt: skip
OF_SEGMENT = OF_RESPONSE | {
    "segment_response_id": (SEGMENT_RESPONSES, ("ID",)),
    "process_segment_id": (SEGMENT_RESPONSES, ("ProcessSegmentID", "ProductSegmentID", "WorkMasterID")),
    "actual_start_time": (SEGMENT_RESPONSES, ("ActualStartTime", "StartTime")),
    "actual_end_time": (SEGMENT_RESPONSES, ("ActualEndTime", "EndTime")),
}
REQUEST_ID = {"request_id": ("OperationsRequestID", "ProductionRequestID", "WorkRequestID", "JobOrderID")}
OF_REQUEST = {"schedule_id": (SCHEDULES, ("ID",)), "request_id": (REQUESTS, ("ID",))}
OF_REQUIREMENT = OF_REQUEST | {"segment_requirement_id": (SEGMENT_REQUIREMENTS, ("ID",))}
MATERIAL_IDS = _own("id", "material_class_id", "material_definition_id", "material_lot_id", "material_sub_lot_id", "description")
LOCATED = {"storage_location": ("StorageLocation",)}
RECORDS: dict[str, RecordSet] = {
    "segment_responses": RecordSet(
        SEGMENT_RESPONSES,
        _own("id", "description", "posting_date", "segment_requirement_id")
        | {
            "process_segment_id": ("ProcessSegmentID", "ProductSegmentID", "WorkMasterID"),
            "actual_start_time": ("ActualStartTime", "StartTime"), "actual_end_time": ("ActualEndTime", "EndTime"),
            "segment_state": ("SegmentState", "JobState", "ResponseState"),
            "operations_definition_id": ("OperationsDefinitionID", "ProductProductionRuleID", "ProductProductionRule"),
        },
        PERFORMANCE, OF_RESPONSE | {"parent_segment_response_id": (SEGMENT_RESPONSES, ("ID",))}, REQUEST_ID,
    ),
    "responses": RecordSet(
        RESPONSES,
        IDS | TIMES | _own("response_state") | {
            "operations_definition_id": ("OperationsDefinitionID", "ProductProductionRuleID", "ProductProductionRule"),
        },
        PERFORMANCE,
        {
            "performance_id": (PERFORMANCES, ("ID",)),
            "schedule_id": (PERFORMANCES, ("OperationsScheduleID", "ProductionScheduleID", "WorkScheduleID")),
            "published_date": (PERFORMANCES, ("PublishedDate",)),
        },
        REQUEST_ID,
    ),
    "material_actuals": RecordSet(
        MATERIAL_ACTUALS, MATERIAL_IDS | _own("material_use") | LOCATED, PERFORMANCE,
        OF_SEGMENT | {"parent_material_actual_id": (MATERIAL_ACTUALS, ("ID",))}, REQUEST_ID, ("Quantity",),
    ),
    "equipment_actuals": RecordSet(
        EQUIPMENT_ACTUALS, _own("id", "equipment_class_id", "equipment_id", "description", "equipment_use"), PERFORMANCE, OF_SEGMENT,
        REQUEST_ID, ("Quantity",),
    ),
    "personnel_actuals": RecordSet(
        PERSONNEL_ACTUALS, _own("id", "personnel_class_id", "person_id", "description", "personnel_use"), PERFORMANCE, OF_SEGMENT,
        REQUEST_ID, ("Quantity",),
    ),
    "physical_asset_actuals": RecordSet(
        PHYSICAL_ASSET_ACTUALS, _own("id", "physical_asset_class_id", "physical_asset_id", "description", "physical_asset_use"),
        PERFORMANCE, OF_SEGMENT, REQUEST_ID, ("Quantity",),
    ),
    "segment_data": RecordSet(
        SEGMENT_DATA, _own("id", "description"), PERFORMANCE, OF_SEGMENT | {"parent_segment_data_id": (SEGMENT_DATA, ("ID",))},
        REQUEST_ID, ("Value",),
    ),
    "requests": RecordSet(
        REQUESTS,
        IDS | TIMES | _own("priority", "request_state") | {
            "operations_definition_id": ("OperationsDefinitionID", "ProductProductionRuleID", "ProductProductionRule"),
        },
        SCHEDULE,
        {
            "schedule_id": (SCHEDULES, ("ID",)), "published_date": (SCHEDULES, ("PublishedDate",)),
            "schedule_start_time": (SCHEDULES, ("StartTime",)), "schedule_end_time": (SCHEDULES, ("EndTime",)),
        },
    ),
    "segment_requirements": RecordSet(
        SEGMENT_REQUIREMENTS,
        IDS | _own("duration") | {
            "process_segment_id": ("ProcessSegmentID", "ProductSegmentID", "WorkMasterID"),
            "earliest_start_time": ("EarliestStartTime", "StartTime"), "latest_end_time": ("LatestEndTime", "EndTime"),
            "segment_state": ("SegmentState", "DispatchStatus"),
        },
        SCHEDULE, OF_REQUEST | {"parent_segment_requirement_id": (SEGMENT_REQUIREMENTS, ("ID",))},
    ),
    "material_requirements": RecordSet(
        MATERIAL_REQUIREMENTS, MATERIAL_IDS | _own("material_use") | LOCATED, SCHEDULE, OF_REQUIREMENT, {}, ("Quantity",),
    ),
    "equipment_requirements": RecordSet(
        EQUIPMENT_REQUIREMENTS, _own("id", "equipment_class_id", "equipment_id", "description", "equipment_use"), SCHEDULE,
        OF_REQUIREMENT, {}, ("Quantity",),
    ),
    "personnel_requirements": RecordSet(
        PERSONNEL_REQUIREMENTS, _own("id", "personnel_class_id", "person_id", "description", "personnel_use"), SCHEDULE,
        OF_REQUIREMENT, {}, ("Quantity",),
    ),
    "segment_parameters": RecordSet(
        PARAMETERS, _own("id", "description"), SCHEDULE, OF_REQUIREMENT | {"parent_parameter_id": (PARAMETERS, ("ID",))}, {}, ("Value",),
    ),
    "equipment": RecordSet(
        EQUIPMENT,
        IDS | _own("published_date", "equipment_class_id", "physical_asset_id") | {"equipment_level": LEVELS},
        ASSETS, {"parent_equipment_id": (EQUIPMENT, ("ID",))},
    ),
    "equipment_classes": RecordSet(
        EQUIPMENT_CLASSES, IDS | {"equipment_level": LEVELS, "equipment_id": ("EquipmentSourceID", "EquipmentID")},
        ASSETS, {"parent_equipment_class_id": (EQUIPMENT_CLASSES, ("ID",))},
    ),
    "material_definitions": RecordSet(
        MATERIAL_DEFINITIONS, IDS | _own("published_date", "material_class_id"), MATERIAL,
        {"parent_material_definition_id": (MATERIAL_DEFINITIONS, ("ID",))},
    ),
    "material_classes": RecordSet(
        MATERIAL_CLASSES, IDS | {"material_definition_id": ("MaterialDefinitionSourceID", "MaterialDefinitionID")}, MATERIAL,
        {"parent_material_class_id": (MATERIAL_CLASSES, ("ID",))},
    ),
    "material_lots": RecordSet(
        MATERIAL_LOTS, IDS | _own("status", "disposition") | LOCATED, MATERIAL,
        {"parent_material_lot_id": (MATERIAL_LOTS, ("ID",))}, {"material_definition_id": ("MaterialDefinitionID",)}, ("Quantity",),
    ),
    "properties": RecordSet((), _own("id", "description"), (), {}, {}, ("Value", "Quantity")),
    "events": RecordSet(
        EVENTS,
        IDS
        | _own("effective_time_stamp", "record_time_stamp", "priority", "operations_event_type", "operations_event_level")
        | _own("operations_type")
        | _own("mom_function", "enterprise_function", "category", "acknowledgement", "source", "operations_definition_id"),
        EVENT, {"parent_event_id": (EVENTS, ("ID",))},
    ),
    "event_records": RecordSet(
        EVENT_RECORDS,
        IDS | _own("action", "operations_record_specification_id") | {
            "record_timestamp": ("RecordTimestamp", "RecordTimeStamp"), "effective_timestamp": ("EffectiveTimestamp", "EffectiveTimeStamp"),
        },
        EVENT, {"event_id": (EVENTS, ("ID",)), "parent_event_record_id": (EVENT_RECORDS, ("ID",))},
    ),
    "event_entries": RecordSet(
        EVENT_ENTRIES,
        IDS | _own("external_reference_id", "information_object_type") | {
            "record_timestamp": ("RecordTimestamp", "RecordTimeStamp"), "effective_timestamp": ("EffectiveTimestamp", "EffectiveTimeStamp"),
        },
        EVENT,
        {
            "event_id": (EVENTS, ("ID",)), "event_record_id": (EVENT_RECORDS, ("ID",)),
            "parent_event_entry_id": (EVENT_ENTRIES, ("ID",)),
        },
    ),
}  # fmt: skip
MESSAGE = ("message", "created", "verb", "action_code")
SCOPED = ("hierarchy_scope", "hierarchy_level")
VALUE_COLUMNS = ("data_type", "unit_of_measure", "key", "value_number")
PROPERTY = ("owner", "owner_number", "owner_id", "parent_property_id")


class B2mmlOptions(StrictModel):
    """What a message does not say itself."""

    encoding: str | None = None
    """Encoding of the message; default: by byte order mark and declaration, as far as the bytes agree."""


class B2mml(FileConnector):
    """Reads B2MML messages."""

    kind = "b2mml"
    version = "1"
    Options = B2mmlOptions
    records = tuple(RECORDS)
    suffixes = (".xml",)

    def read(self, path: Path, options: B2mmlOptions, records: str = "segment_responses") -> pl.LazyFrame:
        """The rows of one record set in the order of the file; a message without any is an empty frame. See `connectors.contract`."""
        root = root_of(path, options.encoding)
        wanted = RECORDS[records]
        _refuse_other(root, records, wanted)
        found = _properties(root) if records == "properties" else _rows(root, wanted)
        return framed(found, columns_of(records), path)


def columns_of(records: str) -> list[str]:
    """The columns of a record set, the same for every message."""
    wanted = RECORDS[records]
    values = [name.lower() for name in wanted.valued[:1]]
    own = [*MESSAGE, "element", "number", *wanted.above, *wanted.nearest, *wanted.fields]
    own += PROPERTY + tuple(ACTUAL_IDS) if records == "properties" else SCOPED
    own += ["segment_equipment_id"] if "response_id" in wanted.above else []
    return list(dict.fromkeys([*own, *values, *(VALUE_COLUMNS if values else ())]))


def _refuse_other(root: Element, records: str, wanted: RecordSet) -> None:
    """Raises ReadError when a message is no B2MML, or of another family: a wrong path would be read as days without records."""
    names = {local(element) for element in root.iter()}
    every = dict.fromkeys(name for family in FAMILIES for name in family)
    present = [name for name in every if name in names or local(root).endswith(name)]
    if not present:
        told = "The document is no B2MML message: it holds no performance, schedule, equipment, material or event."
        raise ReadError(Problem(told, found=f"the root element {local(root)}", fix="kind: xml, or the kind for this format"))
    if wanted.family and not any(name in present for name in wanted.family):
        fits = [name for name, other in RECORDS.items() if any(element in names for element in other.elements)]
        told = f"The message is not about '{records}'."
        raise ReadError(Problem(told, found=f"{local(root)} with {listed(present)}", fix=f"records: {listed(fits) or 'properties'}"))


# --- rows --------------------------------------------------------------------------------------------------------------------


def _rows(root: Element, wanted: RecordSet) -> Iterator[Record]:
    """A record for each element of the set, or for each of its quantities or values."""
    message, number = _message(root), 0
    for element in root.iter():
        if local(element) not in wanted.elements or not len(element) or child(element, ["Parameter"]) is not None:
            continue  # V04 wraps each Parameter in a ProductionParameter
        number += 1
        record = message | {"element": local(element), "number": str(number)} | _above(element, wanted)
        record |= {column: _texts(element, names) for column, names in wanted.fields.items()} | _scope(element)
        if "response_id" in wanted.above:
            record["segment_equipment_id"] = _segment_equipment(element)
        for value in _values(element, wanted.valued):
            yield record | value


def _message(root: Element) -> dict[str, str | None]:
    """What the envelope says: message, time, verb, and what is to be done with the rows (Add, Change, Delete, Replace)."""
    area, data = child(root, ["ApplicationArea"]), child(root, ["DataArea"])
    verb = data[0] if data is not None and len(data) else None
    action = next((part for part in verb.iter() if local(part) in ("ActionExpression", "actionCode")), None) if verb is not None else None
    return {
        "message": local(root),
        "created": None if area is None else _texts(area, ("CreationDateTime",)),
        "verb": None if verb is None else local(verb),
        "action_code": None if action is None else attributes(action).get("actionCode") or text(action),
    }


def _above(element: Element, wanted: RecordSet) -> dict[str, str | None]:
    around = list(element.iterancestors())
    found: dict[str, str | None] = {}
    for column, (holders, names) in wanted.above.items():
        holder = next((other for other in around if local(other) in holders), None)
        found[column] = None if holder is None else _texts(holder, names)
    for column, names in wanted.nearest.items():
        found[column] = next((told for other in (element, *around) if (told := _texts(other, names)) is not None), None)
    return found


def _texts(element: Element, names: Collection[str]) -> str | None:
    """The text of a child by the first of its names that is there; of several children a JSON list."""
    for name in names:
        found = [told for inner in element if local(inner) == name and (told := _whole(inner)) is not None]
        if found:
            return joined(found)
    return None


def _whole(element: Element) -> str | None:
    """The text of a field; of one with parts (a storage location, since V06) the texts of its parts with '/' between."""
    if not len(element):
        return text(element)
    return "/".join(told for part in element.iter() if not len(part) and (told := text(part)) is not None) or None


def _scope(element: Element) -> dict[str, str | None]:
    """The path of equipment that an element is about, and the level of its last."""
    ids, level = list[str](), None
    scope = child(element, SCOPES)
    while scope is not None:
        told = _texts(scope, ("EquipmentID",)) or (text(scope) if not len(scope) else None)
        ids += [told] if told else []
        level = _texts(scope, LEVELS) or level
        scope = child(scope, SCOPES_BELOW)
    return {"hierarchy_scope": "/".join(ids) or None, "hierarchy_level": level}


def _segment_equipment(element: Element) -> str | None:
    """The equipment of a segment, or of the segment that an actual stands in."""
    segment = next((other for other in (element, *element.iterancestors()) if local(other) in SEGMENT_RESPONSES), None)
    actuals = [inner for inner in segment if local(inner) in EQUIPMENT_ACTUALS] if segment is not None else []
    return joined([told for actual in actuals if (told := _texts(actual, ("EquipmentID",))) is not None])


def _values(element: Element, kinds: Collection[str]) -> Iterator[dict[str, str | None]]:
    """Its quantities or values with type and unit, numbered; one empty record where there is none."""
    number = 0
    for kind in kinds:
        for inner in (part for part in element if local(part) == kind):
            number += 1
            told = _texts(inner, (VALUED[kind],)) if len(inner) else text(inner)
            parts = {"data_type": ("DataType",), "unit_of_measure": ("UnitOfMeasure",), "key": ("Key",)}
            yield {next(iter(kinds)).lower(): told, "value_number": str(number)} | {c: _texts(inner, names) for c, names in parts.items()}
    if not number:
        yield {}


# --- properties --------------------------------------------------------------------------------------------------------------


def _properties(root: Element) -> Iterator[Record]:
    """A record for each value of each property, with what it is a property of: its element, its number there, its ids."""
    message, numbers, number_of = _message(root), dict[str, int](), dict[Element, int]()
    number = 0
    for element in root.iter():
        records = next((name for name, other in RECORDS.items() if local(element) in other.elements and len(element)), None)
        if records:
            numbers[records] = numbers.get(records, 0) + 1
            number_of[element] = numbers[records]
        if not _is_property(element):
            continue
        number += 1
        owner = next((other for other in element.iterancestors() if not _is_property(other)), root)
        parent = next((other for other in element.iterancestors() if _is_property(other)), None)
        record = message | {"element": local(element), "number": str(number), "owner": local(owner)}
        record |= {"owner_number": str(number_of[owner]) if owner in number_of else None, "owner_id": _texts(owner, ("ID",))}
        record |= {column: _texts(owner, names) for column, names in ACTUAL_IDS.items()}
        record |= {"parent_property_id": None if parent is None else _texts(parent, ("ID",))}
        record |= {column: _texts(element, names) for column, names in RECORDS["properties"].fields.items()}
        for value in _values(element, RECORDS["properties"].valued):
            yield record | value


def _is_property(element: Element) -> bool:
    return local(element).endswith(("Property", "PropertyChild")) and len(element) > 0


CONNECTOR = B2mml()
