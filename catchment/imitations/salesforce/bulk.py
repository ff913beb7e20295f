"""`bulk`: an organisation of any number of records in its main objects, which are made when they are asked for."""

from catchment.imitations.salesforce.generator import generate
from catchment.imitations.salesforce.numbered import Numbered
from catchment.imitations.salesforce.organisation import Organisation

MAIN = ("Account", "Contact", "Lead", "Opportunity", "Case", "Task", "Invoice__c")
HISTORY = 60_000_000
YOUNGEST = 3_600


def bulk(objects: int, seed: int = 0, *, mix: str = "equal", now: float | None = None) -> Organisation:
    """About `objects` records in the main objects, equally, or all in the object that `mix` names.

    The other objects are those of a small organisation. ValueError for a `mix` that is neither.
    """
    if mix != "equal" and mix not in MAIN:
        raise ValueError(f"no mix {mix!r}: equal, or one of {', '.join(MAIN)}")
    org = generate(seed, 1_500, now=now)
    last = org.clock.second() - YOUNGEST
    chosen = MAIN if mix == "equal" else (mix,)
    for name in chosen:
        many = objects // len(chosen)
        table = org.tables[name]
        patterns = [row for row in table.rows() if not row["IsDeleted"] and not row.get("IsArchived")]
        spacing = max(1, HISTORY // max(1, many))
        org.replace(name, Numbered(org.kinds[name], patterns, many, last - many * spacing, spacing))
    return org
