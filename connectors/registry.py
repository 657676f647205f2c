"""Finds a connector by its kind, importing only the module that is asked for.

Here: the table of kinds. A new kind is a module below `connectors/kinds/` that ends in `CONNECTOR = ...`, one line here, and a
folder of samples in `tests/connectors/samples/<kind>/`, which gives it the conformance tests.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module

from connectors.contract import Connector
from connectors.errors import ConfigError, Problem, closest

KINDS: dict[str, str] = {
    "delimited": "connectors.kinds.files.delimited",
    "excel": "connectors.kinds.files.excel",
    "json": "connectors.kinds.files.json_records",
    "parquet": "connectors.kinds.files.parquet",
    "xml": "connectors.kinds.documents.xml",
    "b2mml": "connectors.kinds.documents.b2mml",
    "sap_idoc": "connectors.kinds.documents.sap_idoc",
    "sap_odata": "connectors.kinds.erp.sap_odata",
    "sap_spool": "connectors.kinds.erp.sap_spool",
    "mtconnect": "connectors.kinds.machines.mtconnect",
    "mtconnect_shdr": "connectors.kinds.machines.mtconnect_shdr",
    "sparkplug": "connectors.kinds.machines.sparkplug",
    "pi_web_api": "connectors.kinds.historians.pi_web_api",
    "proficy_csv": "connectors.kinds.historians.proficy_csv",
    "canary_csv": "connectors.kinds.historians.canary_csv",
    "aveva_historian": "connectors.kinds.historians.aveva_historian",
    "pi_csv": "connectors.kinds.historians.pi_csv",
    "influx": "connectors.kinds.historians.influx",
    "sql": "connectors.kinds.systems.sql",
    "delta": "connectors.kinds.systems.delta",
    "opcua_ha": "connectors.kinds.historians.opcua_ha",
}


@cache
def connector(kind: str) -> Connector:
    """The connector of a kind. Raises ConfigError naming the closest kind when there is none."""
    if kind not in KINDS:
        raise ConfigError(Problem(f"There is no connector kind '{kind}'.", found=", ".join(KINDS), closest=closest(kind, KINDS)))
    found: Connector = import_module(KINDS[kind]).CONNECTOR
    return found
