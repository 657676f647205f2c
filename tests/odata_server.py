"""An OData service for tests, V2 as SAP Gateway writes it and V4: metadata, a filter by change, pages with links, or by $top and $skip."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from plant_servers import Answer, Question

PROPERTIES = """
<Key><PropertyRef Name="Conf"/></Key>
<Property Name="Conf" Type="Edm.String" Nullable="false"/>
<Property Name="WorkCenter" Type="Edm.String"/>
<Property Name="EndedAt" Type="Edm.String"/>
<Property Name="Yield" Type="Edm.Decimal"/>
<Property Name="ChangedAt" Type="Edm.DateTimeOffset"/>
<Property Name="ChangedOn" Type="{day}" sap:display-format="Date" xmlns:sap="http://www.sap.com/Protocols/SAPData"/>"""
METADATA = """<?xml version="1.0"?>
<edmx:Edmx Version="{version}" xmlns:edmx="http://schemas.microsoft.com/ado/2007/06/edmx"><edmx:DataServices>
<Schema Namespace="API" xmlns="http://schemas.microsoft.com/ado/2008/09/edm">
<EntityType Name="ConfType">{properties}</EntityType>
<EntityContainer Name="C"><EntitySet Name="Confs" EntityType="API.ConfType"/></EntityContainer>
</Schema></edmx:DataServices></edmx:Edmx>"""


@dataclass
class ODataServer:
    """`entities` with the instant of their change (ISO 8601, Z); `page`: how many come at once; `links`: whether further pages are linked."""

    entities: list[tuple[str, dict[str, Any]]]
    version: int = 2
    page: int = 1_000
    links: bool = True
    filters: list[str] = field(default_factory=list)
    """What was asked for, in the order of the questions."""

    def __call__(self, question: Question) -> Answer:
        if question.path == "/svc/$metadata":
            properties = PROPERTIES.format(day="Edm.DateTime" if self.version == 2 else "Edm.Date")
            return Answer(METADATA.format(version="1.0" if self.version == 2 else "4.0", properties=properties))
        if question.path != "/svc/Confs":
            return said({"error": {"code": "005056A509B11EE1B9A8FEC11C21578E", "message": {"value": "Resource not found"}}}, 404)
        asked = {key: values[0] for key, values in question.params.items()}
        if "$skiptoken" not in asked:
            self.filters.append(asked.get("$filter", ""))
        found = self._fitting(asked.get("$filter", ""))
        start = int(asked.get("$skiptoken") or asked.get("$skip") or 0)
        size = min(self.page, int(asked.get("$top") or self.page))
        rest = found[start + size :]
        link = f"Confs?$skiptoken={start + size}&$filter={asked.get('$filter', '')}" if rest and self.links else None
        return self._said(found[start : start + size], link if "$top" not in asked else None, len(found))

    def _fitting(self, text: str) -> list[dict[str, Any]]:
        since = re.search(r"ge (?:datetimeoffset|datetime)?'?([0-9TZ:-]+)", text)
        return [entity for changed, entity in self.entities if not since or changed >= since[1]]

    def _said(self, entities: list[dict[str, Any]], link: str | None, total: int) -> Answer:
        if self.version == 2:
            told = [{"__metadata": {"uri": "x"}, **entity} for entity in entities]
            return said({"d": {"__count": str(total), "results": told, **({"__next": link} if link else {})}})
        return said(
            {"@odata.context": "$metadata#Confs", "@odata.count": total, "value": entities, **({"@odata.nextLink": link} if link else {})}
        )


def said(body: Any, status: int = 200) -> Answer:
    return Answer(json.dumps(body), status, {"Content-Type": "application/json"})
