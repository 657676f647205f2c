"""Headers and words in six languages: what they name, and what they do not."""

from __future__ import annotations

import doctest

import pytest

from pipelines.draft import facts, files, names, plant_yaml

HEADERS = {
    "equipment": [
        "Machine",
        "Maschinen-Nr.",
        "Máquina",
        "Ligne",
        "Equipamento",
        "设备编号",
        "ARBPL",
        "Work Center",
        "machineNo",
        "Arbeitsplaz",
    ],
    "start": ["Start", "Beginn", "Hora inicio", "Date début", "Início", "开始时间", "StartTime", "start_ts"],
    "end": ["End", "Ende", "Fecha fin", "Heure fin", "Fim", "结束时间", "Complete Timestamp"],
    "state": ["Status", "Zustand", "Estado", "État", "Situação", "状态"],
    "reason": ["Reason Code", "Störgrund", "Motivo de parada", "Motif d'arrêt", "Motivo da parada", "停机原因", "Stoergrund"],
    "good": ["Good", "Gutmenge", "Piezas buenas", "Pièces bonnes", "Peças boas", "良品数", "LMNGA", "Qty Completed", "itemGoodQuantity"],
    "scrap": ["Scrap", "Ausschuß", "Rechazos", "Rebuts", "Refugo", "报废数量", "XMNGA", "Ausschuss [kg]"],
    "material": ["Item Code", "Materialnummer", "Artículo", "Référence", "Código do produto", "物料编码", "MATNR"],
    "order": ["Work Order", "Auftrag", "Orden de fabricación", "Ordre de fabrication", "Ordem de produção", "工单号", "AUFNR"],
    "time": ["Timestamp", "Zeitstempel", "Fecha y hora", "Horodatage", "Data/Hora", "时间", "t_stamp"],
    "tag": ["TagName", "Messstelle", "Etiqueta", "Point de mesure", "Sinal", "测点"],
    "value": ["Value", "Messwert", "Valor", "Valeur", "数值"],
}


@pytest.mark.parametrize(("role", "header"), [(role, header) for role, headers in HEADERS.items() for header in headers])
def test_headers(role: str, header: str) -> None:
    found = names.scores(header)
    assert found.get(role, 0) >= 84
    assert found[role] >= max(found.values()) - 3


@pytest.mark.parametrize(
    ("header", "role"), [("Machine tonnage", "equipment"), ("Work Order Qty", "good"), ("Restart", "start"), ("Reflow", "order")]
)
def test_a_part_of_a_name_is_not_the_name(header: str, role: str) -> None:
    assert names.scores(header).get(role, 0) < 60


STATES = {
    "RUN": ["Running", "In Betrieb", "En marcha", "En marche", "Produzindo", "运行", "ACTIVE", "Producción"],
    "SETUP": ["Setup", "Rüsten", "Cambio de molde", "Réglage", "换模"],
    "DELAY_EQ": ["Breakdown", "Störung", "Avería", "Panne", "Quebra", "故障"],
    "DELAY_ORG": ["Waiting", "Materialmangel", "Espera", "Attente", "Aguardando", "待料"],
    "IDLE": ["Idle", "Leerlauf", "Reposo", "Ocioso", "空闲"],
    "UNKNOWN": ["UNAVAILABLE", "Unbekannt", "离线"],
}


@pytest.mark.parametrize(("state", "word"), [(state, word) for state, words in STATES.items() for word in words])
def test_states(state: str, word: str) -> None:
    guess = names.state_class(word)
    assert guess is not None
    assert guess.value == state
    assert guess.sure < 100


def test_words_that_nobody_can_know() -> None:
    assert [names.state_class(word) for word in ("17", "xq", "2.0", "Mode 4")] == [None] * 4


def test_a_standard_is_recognised_by_all_of_its_words() -> None:
    assert names.standard_of(["Execute", "Held", "Suspended", "Aborted"]) == "PackML"
    assert names.standard_of(["Execute", "Held", "Suspended", "Pause"]) is None


def test_every_class_and_code_in_the_lists_is_one_of_the_lake() -> None:
    import csv
    from pathlib import Path

    from dbt_project import __file__ as seeds
    from transforms.tables import EVENT_CLASSES, TABLES

    with (Path(str(seeds)).parent / "seeds" / "downtime_reason.csv").open(encoding="utf-8") as file:
        codes = {row["reason_code"] for row in csv.DictReader(file)}
    assert set(names._listed("states").values()) <= set(EVENT_CLASSES)
    assert set(names._listed("reasons").values()) <= codes
    from pipelines.draft.tables import templates

    for table, template in templates().items():
        assert set(template.columns) <= set(TABLES[table].inputs), table
        assert {role for wanted in template.columns.values() for role in wanted} <= set(names.roles()), table
        assert {name for group in template.needs for name in group} <= set(template.columns), table


@pytest.mark.parametrize("module", [names, facts, files, plant_yaml])
def test_examples_in_the_code(module: object) -> None:
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]
