"""Which type of event has which fields, in the order the XML schemas want them; and the names of namespaces.

Source: EPCglobal-epcis-2_0.xsd and -1_2.xsd, EPCIS-JSON-Schema 2.0.
"""

from __future__ import annotations

from typing import Final, NamedTuple

XSD_1: Final = "urn:epcglobal:epcis:xsd:1"
XSD_2: Final = "urn:epcglobal:epcis:xsd:2"
QUERY_1: Final = "urn:epcglobal:epcis-query:xsd:1"
QUERY_2: Final = "urn:epcglobal:epcis-query:xsd:2"
EPCIS_NAMESPACES: Final = frozenset(
    {XSD_1, XSD_2, QUERY_1, QUERY_2, "urn:epcglobal:epcis-masterdata:xsd:1", "urn:epcglobal:epcis-masterdata:xsd:2"}
)
"""What stands in one of these is a standard field, although only the outermost element should."""

XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
CBV_MDA: Final = "urn:epcglobal:cbv:mda:"
GS1_VOC: Final = "https://gs1.org/voc/"
CBV_WEB: Final = "https://ref.gs1.org/cbv/"
RDFS: Final = "http://www.w3.org/2000/01/rdf-schema#"
PACKTRACE: Final = "urn:packtrace:"
UNQUALIFIED: Final = "urn:packtrace:unqualified:"
"""In JSON: names of XML extensions that have no namespace."""

CONTEXT_URL: Final = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"
CONTEXT: Final = {
    # short names that the EPCIS 2.0 context itself gives
    "epcis": "https://ref.gs1.org/epcis/",
    "cbv": CBV_WEB,
    "cbvmda": CBV_MDA,
    "gs1": GS1_VOC,
    "rdfs": RDFS,
    "owl": "http://www.w3.org/2002/07/owl#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "dcterms": "http://purl.org/dc/terms/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
}

EPC_LISTS: Final = {"epcList": "epcs", "childEPCs": "children", "inputEPCList": "inputs", "outputEPCList": "outputs"}
QUANTITY_LISTS: Final = {
    "quantityList": "quantities",
    "childQuantityList": "child_quantities",
    "inputQuantityList": "input_quantities",
    "outputQuantityList": "output_quantities",
}
TEXTS: Final = {
    "eventTime": "event_time",
    "recordTime": "record_time",
    "eventTimeZoneOffset": "zone",
    "eventID": "event_id",
    "action": "action",
    "parentID": "parent",
    "transformationID": "transformation",
    "bizStep": "biz_step",
    "disposition": "disposition",
}
PLACES: Final = {"readPoint": "read_point", "bizLocation": "location"}
PAIRS: Final = {
    # list -> (field, name of one, name of its identifier in JSON)
    "bizTransactionList": ("transactions", "bizTransaction"),
    "sourceList": ("sources", "source"),
    "destinationList": ("destinations", "destination"),
}
FIELD_OF: Final = {
    **EPC_LISTS,
    **QUANTITY_LISTS,
    **TEXTS,
    **PLACES,
    **{name: field for name, (field, _) in PAIRS.items()},
    "certificationInfo": "certifications",
    "errorDeclaration": "error",
    "sensorElementList": "sensors",
    "persistentDisposition": "persistent_set",
    "ilmd": "ilmd",
}
NAME_OF: Final = {field: name for name, field in FIELD_OF.items()}

ERROR_FIELDS: Final = frozenset({"declarationTime", "reason", "correctiveEventIDs"})
METADATA_FIELDS: Final = (
    "time", "startTime", "endTime", "deviceID", "deviceMetadata", "rawData", "dataProcessingMethod", "bizRules",
)  # fmt: skip
REPORT_FIELDS: Final = (
    "type", "exception", "deviceID", "deviceMetadata", "rawData", "dataProcessingMethod", "bizRules", "time", "microorganism",
    "chemicalSubstance", "coordinateReferenceSystem", "value", "component", "stringValue", "booleanValue", "hexBinaryValue",
    "uriValue", "minValue", "maxValue", "meanValue", "sDev", "percRank", "percValue", "uom",
)  # fmt: skip
NUMBERS: Final = frozenset({"value", "minValue", "maxValue", "meanValue", "sDev", "percRank", "percValue"})
"""Fields of a sensor report that JSON writes as numbers."""


class Shape(NamedTuple):
    """The fields of one type of event after those that all have, in the order of XML 2.0, and those that XML 1.2 puts into
    ``extension``."""

    fields: tuple[str, ...]
    extended: frozenset[str] = frozenset()


_STEP = ("action", "bizStep", "disposition", "readPoint", "bizLocation")
_PARTIES = ("sourceList", "destinationList", "sensorElementList")
_EXTENDED = frozenset({"quantityList", "childQuantityList", "sourceList", "destinationList", "ilmd"})

# fmt: off
COMMON: Final = ("eventTime", "recordTime", "eventTimeZoneOffset", "eventID", "errorDeclaration", "certificationInfo")
SHAPES: Final = {
    "ObjectEvent": Shape(
        ("epcList", *_STEP, "bizTransactionList", "quantityList", *_PARTIES, "persistentDisposition", "ilmd"), _EXTENDED),
    "AggregationEvent": Shape(
        ("parentID", "childEPCs", *_STEP, "bizTransactionList", "childQuantityList", *_PARTIES), _EXTENDED),
    "TransactionEvent": Shape(
        ("bizTransactionList", "parentID", "epcList", *_STEP, "quantityList", *_PARTIES), _EXTENDED),
    "TransformationEvent": Shape(
        ("inputEPCList", "inputQuantityList", "outputEPCList", "outputQuantityList", "transformationID", *_STEP[1:],
         "bizTransactionList", *_PARTIES, "persistentDisposition", "ilmd")),
    "AssociationEvent": Shape(
        ("parentID", "childEPCs", "childQuantityList", *_STEP, "bizTransactionList", *_PARTIES)),
}
# fmt: on
ONLY_2: Final = frozenset({"certificationInfo", "sensorElementList", "persistentDisposition"})
"""Fields that EPCIS 1.2 does not have."""

EMPTY_KEPT: Final = {"ObjectEvent": "epcList", "AggregationEvent": "childEPCs", "TransactionEvent": "epcList"}
"""Lists that XML has even where they are empty."""


def standard_like(name: str) -> str:
    """The standard field that ``name`` is a slip of the pen of, or empty: a slip must not become a vendor's own field."""
    return _PLAIN.get(name.replace("_", "").replace("-", "").lower(), "")


_PLAIN = {name.lower(): name for name in FIELD_OF} | {"epcs": "epcList", "epc": "epcList", "type": "type"}
