"""B2MML: the names of all versions, ids of parents, quantities with their units."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from mutations import DAMAGE, damaged, reads_or_refuses, samples

from connectors.errors import ReadError
from connectors.kinds.documents.b2mml import CONNECTOR, RECORDS, B2mmlOptions, columns_of

DATA = Path(__file__).resolve().parents[2] / "../shared/data"
EXAMPLES, SCHEMA = DATA / "b2mml_examples", DATA / "b2mml_schema"

Make = Callable[..., Path]


def read(path: Path, records: str) -> pl.DataFrame:
    return CONNECTOR.read(path, B2mmlOptions(), records).collect()


def one(path: Path, records: str, *columns: str) -> tuple[object, ...]:
    (row,) = read(path, records).select(*columns).rows()
    return row


def performance(inner: str, version: str = "Operations") -> str:
    return f"<{version}Performance><{version}Response><ID>R</ID>{inner}</{version}Response></{version}Performance>"


@pytest.mark.parametrize("version", ["Operations", "Production", "Work"])
def test_the_names_of_all_versions_give_the_same_row(make: Make, version: str) -> None:
    segment = "JobResponse" if version == "Work" else "SegmentResponse"
    inner = f"<{version}RequestID>O-1</{version}RequestID><{segment}><ID>S</ID></{segment}>"
    assert one(make(performance(inner, version)), "segment_responses", "response_id", "request_id", "id") == ("R", "O-1", "S")
    assert one(make(performance(inner, version)), "responses", "id", "request_id") == ("R", "O-1")


def test_segments_in_segments_know_the_one_around_them(make: Make) -> None:
    inner = "<SegmentResponse><ID>1</ID><SegmentResponse><ID>1.1</ID><SegmentResponse><ID>1.1.1</ID></SegmentResponse></SegmentResponse></SegmentResponse>"
    found = read(make(performance(inner)), "segment_responses").select("id", "parent_segment_response_id", "response_id").rows()
    assert found == [("1", None, "R"), ("1.1", "1", "R"), ("1.1.1", "1.1", "R")]


def test_an_actual_without_quantity_is_a_row_and_one_with_two_is_two(make: Make) -> None:
    two = "<Quantity><QuantityString>1</QuantityString></Quantity><Quantity><QuantityString>2</QuantityString><UnitOfMeasure>KG</UnitOfMeasure></Quantity>"
    inner = f"<SegmentResponse><ID>S</ID><MaterialActual><ID>A</ID></MaterialActual><MaterialActual><ID>B</ID>{two}</MaterialActual></SegmentResponse>"
    found = read(make(performance(inner)), "material_actuals").select("id", "number", "value_number", "quantity", "unit_of_measure").rows()
    assert found == [("A", "1", None, None, None), ("B", "2", "1", "1", None), ("B", "2", "2", "2", "KG")]


def test_the_scope_of_v04_is_a_location(make: Make) -> None:
    location = (
        "<Location><EquipmentID>P</EquipmentID><EquipmentElementLevel>Site</EquipmentElementLevel>"
        "<Location><EquipmentID>L</EquipmentID><EquipmentElementLevel>ProductionLine</EquipmentElementLevel></Location></Location>"
    )
    path = make(performance(f"<SegmentResponse><ID>S</ID>{location}</SegmentResponse>", "Production"))
    assert one(path, "segment_responses", "hierarchy_scope", "hierarchy_level") == ("P/L", "ProductionLine")


def test_equipment_knows_the_equipment_above(make: Make) -> None:
    text = (
        "<ShowEquipmentInformation><DataArea><Show/><EquipmentInformation><Equipment><ID>A1</ID><EquipmentLevel>Area</EquipmentLevel>"
        "<EquipmentChild><ID>U1</ID><EquipmentLevel>WorkUnit</EquipmentLevel><EquipmentProperty><ID>Power</ID>"
        "<Value><ValueString>55</ValueString><UnitOfMeasure>kW</UnitOfMeasure></Value></EquipmentProperty></EquipmentChild>"
        "</Equipment></EquipmentInformation></DataArea></ShowEquipmentInformation>"
    )
    found = read(make(text), "equipment").select("id", "equipment_level", "parent_equipment_id").rows()
    assert found == [("A1", "Area", None), ("U1", "WorkUnit", "A1")]
    assert one(make(text), "properties", "owner_id", "owner_number", "id", "value", "unit_of_measure") == ("U1", "2", "Power", "55", "kW")


def test_lots_and_their_sub_lots(make: Make) -> None:
    sub = "<MaterialSubLot><ID>L1-1</ID><Quantity><QuantityString>5</QuantityString></Quantity></MaterialSubLot>"
    text = f"<MaterialInformation><MaterialLot><ID>L1</ID><MaterialDefinitionID>M</MaterialDefinitionID>{sub}</MaterialLot></MaterialInformation>"
    found = read(make(text), "material_lots").select("id", "parent_material_lot_id", "material_definition_id", "quantity").rows()
    assert found == [("L1", None, "M", None), ("L1-1", "L1", "M", "5")]


def test_a_deletion_says_so(make: Make) -> None:
    text = "<ChangeEquipment><DataArea><Change><ActionCriteria><ActionExpression actionCode='Delete'/></ActionCriteria></Change><Equipment><ID>U1</ID></Equipment></DataArea></ChangeEquipment>"
    assert one(make(text), "equipment", "verb", "action_code", "id") == ("Change", "Delete", "U1")


@pytest.mark.parametrize("records", RECORDS)
def test_every_record_set_has_its_columns_without_any_row(make: Make, records: str) -> None:
    wanted = RECORDS[records]
    path = make(f"<Sync><{(wanted.family or ('Equipment',))[0]}/></Sync>")
    found = read(path, records)
    assert (found.columns, found.height) == (["_row", *columns_of(records)], 0)


FILES = samples("b2mml", ".xml")


@settings(max_examples=80, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(FILES), DAMAGE, st.sampled_from(CONNECTOR.records))
def test_law_damage_gives_a_frame_or_an_error_with_a_mend(
    make: Make, file: bytes, damage: list[tuple[float, int, str, bytes]], records: str
) -> None:
    path = make(damaged(file, damage), name="damaged.xml")
    reads_or_refuses(lambda: CONNECTOR.read(path, B2mmlOptions(), records))


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the real messages are not beside the checkout")
def test_messages_of_a_vendor() -> None:
    """Compared with what a search for the elements finds in the text of the files."""

    def texts(path: Path, element: str) -> list[str]:
        return re.findall(rf"<{element}(?: [^>]*)?>([^<]*)</{element}>", path.read_text(encoding="utf-8-sig"))

    (weighing,), (material,) = EXAMPLES.glob("PES-*.xml"), EXAMPLES.glob("MAT-*.xml")
    (quantity,) = texts(weighing, "QuantityString")
    response, segment, *properties = texts(weighing, "ID")
    columns = ("response_id", "segment_response_id", "quantity", "unit_of_measure", "material_lot_id", "material_use")
    told = one(weighing, "material_actuals", *columns)
    (lot,), (use,) = texts(weighing, "MaterialLotID"), texts(weighing, "MaterialUse")
    assert told == (response, segment, quantity, texts(weighing, "UnitOfMeasure")[0], lot, use)
    found = read(weighing, "properties")
    assert (found["id"].to_list(), found["value"].to_list()) == (properties, texts(weighing, "ValueString"))
    definition, *properties = texts(material, "ID")
    (description,), (created,) = texts(material, "Description"), texts(material, "CreationDateTime")
    assert one(material, "material_definitions", "id", "description", "created") == (definition, description, created)
    found = read(material, "properties")
    assert found["value"].to_list() == texts(material, "ValueString")
    assert found.filter(pl.col("value_number") == "2").height == 1  # one of its properties has two values
    assert found["unit_of_measure"].null_count() == found.height
    with pytest.raises(ReadError, match="material_definitions"):
        read(material, "segment_responses")


@pytest.mark.skipif(not SCHEMA.is_dir(), reason="the schemas are not beside the checkout")
def test_every_element_and_field_of_a_row_is_a_word_of_the_standard() -> None:
    """V0700 knows at least one name of each field; the others are names of V03 to V06."""
    known = {node.get("name") for path in SCHEMA.glob("*.xsd") for node in etree.parse(str(path)).iter("{*}element")}
    for wanted in RECORDS.values():
        assert not wanted.elements or known & {*wanted.elements}
        for names in (*wanted.fields.values(), *wanted.nearest.values(), *(names for _, names in wanted.above.values())):
            assert known & {*names}, names
