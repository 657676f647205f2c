"""Vocabularies: reviewed CSV tables; a line with a problem is told with its number and left out, the rest counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors import portfolio, vocabularies
from connectors.vocabularies import Vocabularies


def read(folder: Path, name: str, text: str | bytes) -> Vocabularies:
    (folder / f"{name}.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    return vocabularies.load(folder)


def test_rows_of_a_plant_are_its_own_and_those_for_every_plant(tmp_path: Path) -> None:
    found = read(tmp_path, "unit_aliases", "plant,alias,ucum\np,Krt,{piece}\n*,Stk,{piece}\nq,X,kg\n")
    assert [row["alias"] for row in found.rows("unit_aliases", "p")] == ["Krt", "Stk"]
    assert found.problems == []


def test_absent_columns_are_empty_and_blanks_do_not_count(tmp_path: Path) -> None:
    (row,) = read(tmp_path, "reason_map", "plant,source_code,reason_code\n p , 17 ,E-TOOL\n").rows("reason_map")
    assert (row["plant"], row["source_code"], row["valid_from"], row["line"]) == ("p", "17", "", "2")


def test_excels_byte_order_mark_is_no_part_of_the_header(tmp_path: Path) -> None:
    assert read(tmp_path, "unit_aliases", b"\xef\xbb\xbfplant,alias,ucum\np,Krt,kg\n").problems == []


FROZEN = "plant,equipment,material,quarter,pri_s,hours,window_from,window_to\n"


@pytest.mark.parametrize(
    ("name", "text", "said", "closest"),
    [
        ("reason_map", "plant,source_cod,reason_code\n", "Unknown column 'source_cod'.", "source_code"),
        ("reason_map", "plant,source_code\n", "Column 'reason_code' is missing.", "source_code"),
        ("reasons_map", "plant\n", "No vocabulary has this name.", "reason_map.csv"),
        ("reason_map", "plant,source_code,reason_code\np,,X\n", "'source_code' is empty.", None),
        ("reason_map", "plant,source_code,reason_code,valid_from\np,1,X,01.06.2025\n", "'valid_from' is not a date.", None),
        ("ideal_rates", "plant,rate,unit\np,\"1,5\",s\n", "'rate' is not a number.", None),
        ("ideal_rates", "plant,rate,unit,pieces_per_cycle\np,1,s,four\n", "'pieces_per_cycle' is not a number.", None),
        ("reason_map", "plant,source_code,reason_code\np,17,E-TOOLX\n", "There is no reason_code 'E-TOOLX'.", "E-TOOL"),
        ("ideal_rates", "plant,rate,unit,rate_basis\np,1,s,BEST\n", "There is no rate_basis 'BEST'.", "BEST_DEMONSTRATED"),
        ("fx", "from_ccy,to_ccy,period,rate_type,rate\nEUR,USD,Sept,AVG,1.1\n", "'period' is not a month.", None),
        ("fx", "from_ccy,to_ccy,period,rate_type,rate\nEUR,USD,2026-09,AVGE,1.1\n", "There is no rate_type 'AVGE'.", "AVG"),
        ("product_families", "plant,material,family,weight\np,A,F,heavy\n", "'weight' is not a number.", None),
        ("emission_factors", "plant,carrier,kg_per_kwh\n*,GASS,0.2\n", "There is no carrier 'GASS'.", "GAS"),
        ("emission_factors", "plant,carrier,kg_per_kwh\n*,GAS,nan\n", "'kg_per_kwh' is not a number.", None),
        ("targets", "kpi_id,scope_type,scope_id,target\nOEEE,PLANT,*,0.8\n", "There is no kpi_id 'OEEE'.", None),
        ("targets", "kpi_id,scope_type,scope_id,target\nOEE,PLNT,*,0.8\n", "There is no scope_type 'PLNT'.", "PLANT"),
        ("demonstrated_rates", f"{FROZEN}p,M1,A,2026-Q5,30,22,2025-10-01,2026-09-30\n", "'quarter' is not a quarter.", None),
        ("demonstrated_rates", f"{FROZEN}p,M1,A,2026-Q4,0,22,2025-10-01,2026-09-30\n", "'pri_s' is not above 0.", None),
        ("demonstrated_rates", f"{FROZEN}p,M1,,2026-Q4,30,22,2025-10-01,2026-09-30\n", "'material' is empty.", None),
        ("unit_aliases", b"plant,alias,ucum\np,St\xfcck,kg\n", "The vocabulary cannot be read.", None),
    ],
)  # fmt: skip
def test_problems_name_file_and_closest(tmp_path: Path, name: str, text: str | bytes, said: str, closest: str | None) -> None:
    found = read(tmp_path, name, text).problems
    assert said in [problem.message for problem in found]
    assert all(str(problem.export).startswith(f"vocabularies/{name}.csv") for problem in found)
    assert closest is None or closest in [problem.closest for problem in found]


def test_a_line_with_a_problem_is_left_out_and_told_with_its_number(tmp_path: Path) -> None:
    found = read(tmp_path, "ideal_rates", "plant,rate,unit\np,1.5,s\np,fast,s\n")
    assert [row["rate"] for row in found.rows("ideal_rates")] == ["1.5"]
    assert [problem.export for problem in found.problems] == ["vocabularies/ideal_rates.csv:3"]


def test_of_two_lines_about_one_thing_the_first_stands_and_the_second_is_told(tmp_path: Path) -> None:
    line = "2026-Q4,30,22,2025-10-01,2026-09-30"
    found = read(tmp_path, "demonstrated_rates", f"{FROZEN}p,M1,A,{line}\np,M1,B,{line}\np,M1,A,{line.replace('30,', '31,', 1)}\n")
    assert [(row["material"], row["pri_s"]) for row in found.rows("demonstrated_rates")] == [("A", "30"), ("B", "30")]
    (problem,) = found.problems
    assert problem.message == "Line 2 is about the same: plant p, equipment M1, material A, quarter 2026-Q4."
    assert (problem.export, problem.consequence) == ("vocabularies/demonstrated_rates.csv:4", "The line is left out; line 2 stands.")


@pytest.mark.parametrize(
    ("kind", "named", "said", "closest"),
    [
        ("PLANT", "deu1", "There is no plant 'deu1'.", "deu01"),
        ("EQUIPMENT", "deu1/SGM-01", "There is no plant 'deu1'.", "deu01"),
        ("COMPANY", "acne", "There is no company 'acne'.", "acme"),
        ("PORTFOLIO", "all", "There is no portfolio 'all'.", None),
    ],
)
def test_a_target_of_nothing_is_told(tmp_path: Path, kind: str, named: str, said: str, closest: str | None) -> None:
    (tmp_path / "portfolio.yaml").write_text("name: acme\n")
    (tmp_path / "plants").mkdir()
    (tmp_path / "plants" / "deu01.yaml").write_text(
        "plant: deu01\nname: Ulm\ncompany: acme\ntimezone: Europe/Berlin\ncalendar: none\nsources:\n"
        "  mes: {kind: delimited, path: '*.csv', tables: {production_count: {columns: {equipment: M, event_ts: T, good_qty: Q}}}}\n"
    )
    (tmp_path / "vocabularies").mkdir()
    lines = [f"OEE,{kind},{named},0.8", "OEE,PLANT,deu01,0.8", "OEE,COMPANY,acme,0.8", "OEE,PORTFOLIO,portfolio,0.8", "OEE,EQUIPMENT,*,0.8"]
    (tmp_path / "vocabularies" / "targets.csv").write_text("\n".join(["kpi_id,scope_type,scope_id,target", *lines]) + "\n")
    found = portfolio.read(tmp_path)
    assert found.broken == {}
    assert [(problem.message, problem.closest, problem.export) for problem in found.problems] == [
        (said, closest, "vocabularies/targets.csv:2")
    ]


def test_no_folder_is_no_vocabulary(tmp_path: Path) -> None:
    assert vocabularies.load(tmp_path / "none") == Vocabularies({}, [])
