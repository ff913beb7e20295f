"""What the API tells about objects and their fields."""

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from catchment.imitations.salesforce.fields import Field
from catchment.imitations.salesforce.kinds import Kind

_SOAP = {
    "id": "tns:ID",
    "reference": "tns:ID",
    "boolean": "xsd:boolean",
    "int": "xsd:int",
    "double": "xsd:double",
    "currency": "xsd:double",
    "percent": "xsd:double",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "base64": "xsd:base64Binary",
    "address": "urn:address",
    "location": "urn:location",
}
_SET = ("Id", "IsDeleted", "CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp")


def modified(at: int) -> dict[str, str]:
    """The headers that say how old the metadata is: one time for the whole organisation."""
    stamp = datetime.fromtimestamp(at, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    return {"Last-Modified": stamp, "ETag": f'"{hashlib.md5(str(at).encode(), usedforsecurity=False).hexdigest()}"'}


def unchanged(at: int, headers: dict[str, str]) -> bool:
    """Whether a request's If-Modified-Since (or If-None-Match) is answered with 304."""
    given = headers.get("if-modified-since")
    if given:
        try:
            return int(parsedate_to_datetime(given).timestamp()) >= at
        except (ValueError, TypeError):
            return False
    return headers.get("if-none-match") == modified(at)["ETag"]


def brief(kind: Kind, version: str) -> dict[str, Any]:
    """An object's entry in describeGlobal."""
    root = f"/services/data/v{version}/sobjects/{kind.name}"
    record = kind.queryable
    urls = {"sobject": root}
    if record:
        urls |= {"describe": f"{root}/describe", "rowTemplate": f"{root}/{{ID}}", "layouts": f"{root}/describe/layouts"}
    label = kind.label or Field(kind.name, "").label
    return {
        "activateable": False,
        "associateEntityType": None,
        "associateParentEntity": None,
        "createable": record,
        "custom": kind.custom,
        "customSetting": False,
        "deepCloneable": False,
        "deletable": record,
        "deprecatedAndHidden": False,
        "feedEnabled": record and kind.has("OwnerId"),
        "hasSubtypes": False,
        "isInterface": False,
        "isSubtype": False,
        "keyPrefix": kind.prefix if record else None,
        "label": label,
        "labelPlural": kind.plural or f"{label}s",
        "layoutable": record and kind.has("OwnerId"),
        "mergeable": kind.mergeable,
        "mruEnabled": kind.has("LastViewedDate"),
        "name": kind.name,
        "queryable": kind.queryable,
        "replicateable": kind.replicateable,
        "retrieveable": record,
        "searchable": record and kind.has("Name"),
        "triggerable": record and kind.has("IsDeleted"),
        "undeletable": kind.has("IsDeleted"),
        "updateable": record,
        "urls": urls,
    }


def whole(kind: Kind, fields: Iterable[Field], kinds: Iterable[Kind], version: str) -> dict[str, Any]:
    """An object's own describe, with the fields that the user may see."""
    children = [
        {
            "cascadeDelete": (other.name, field.name) in kind.children,
            "childSObject": other.name,
            "deprecatedAndHidden": False,
            "field": field.name,
            "junctionIdListNames": [],
            "junctionReferenceTo": [],
            "relationshipName": f"{other.name.removesuffix('__c')}s" + ("__r" if other.custom else ""),
            "restrictedDelete": False,
        }
        for other in kinds
        for field in other.fields
        if kind.name in field.to
    ]
    return {
        **brief(kind, version),
        "actionOverrides": [],
        "childRelationships": children,
        "compactLayoutable": True,
        "defaultImplementation": None,
        "extendedBy": None,
        "extendsInterfaces": None,
        "fields": [described(field, kind) for field in fields],
        "implementedBy": None,
        "implementsInterfaces": None,
        "listviewable": None,
        "lookupLayoutable": None,
        "namedLayoutInfos": [],
        "networkScopeFieldName": None,
        "recordTypeInfos": [],
        "searchLayoutable": True,
        "sobjectDescribeOption": "FULL",
        "supportedScopes": [{"label": f"All {kind.plural or kind.name}", "name": "everything"}],
    }


def described(field: Field, kind: Kind) -> dict[str, Any]:
    """One field as describe shows it."""
    text = _SOAP.get(field.type, "xsd:string") == "xsd:string"
    plain = not field.parts_only and field.type != "base64"
    set_by_system = field.name in _SET or field.calculated
    return {
        "aggregatable": plain and field.filterable and field.type != "boolean",
        "aiPredictionField": False,
        "autoNumber": field.name in ("CaseNumber", "ContractNumber", "SolutionNumber"),
        "byteLength": field.length if field.type in ("id", "reference") else field.length * 3,
        "calculated": field.calculated,
        "calculatedFormula": f"IF(true, {field.name}, null)" if field.calculated else None,
        "cascadeDelete": False,
        "caseSensitive": False,
        "compoundFieldName": field.compound,
        "controllerName": None,
        "createable": not set_by_system and not field.parts_only,
        "custom": field.custom,
        "defaultValue": False if field.type == "boolean" else None,
        "defaultValueFormula": None,
        "defaultedOnCreate": field.name in _SET or field.type == "boolean",
        "dependentPicklist": False,
        "deprecatedAndHidden": False,
        "digits": field.digits,
        "displayLocationInDecimal": field.type == "location",
        "encrypted": False,
        "externalId": False,
        "extraTypeInfo": field.extra,
        "filterable": field.filterable,
        "filteredLookupInfo": None,
        "formulaTreatNullNumberAsZero": False,
        "groupable": plain and text and field.filterable,
        "highScaleNumber": False,
        "htmlFormatted": False,
        "idLookup": field.type == "id" or field.unique,
        "inlineHelpText": field.help,
        "label": f"{kind.label or kind.name} ID" if field.type == "id" else field.label,
        "length": field.length,
        "mask": None,
        "maskType": None,
        "name": field.name,
        "nameField": field.name == "Name",
        "namePointing": len(field.to) > 1,
        "nillable": field.nillable,
        "permissionable": field.nillable and not field.compound,
        "picklistValues": [
            {"active": True, "defaultValue": False, "label": choice, "validFor": None, "value": choice}
            for choice in field.choices
        ],
        "polymorphicForeignKey": len(field.to) > 1,
        "precision": field.precision,
        "queryByDistance": field.parts_only,
        "referenceTargetField": None,
        "referenceTo": list(field.to),
        "relationshipName": field.relationship,
        "relationshipOrder": None,
        "restrictedDelete": False,
        "restrictedPicklist": False,
        "scale": field.scale,
        "searchPrefilterable": field.type == "reference",
        "soapType": _SOAP.get(field.type, "xsd:string"),
        "sortable": field.filterable and plain,
        "type": field.type,
        "unique": field.unique,
        "updateable": not set_by_system and not field.parts_only,
        "writeRequiresMasterRead": False,
    }
