"""What administrators do: new fields with values for old records, new labels, new objects, new formulas."""

import random

from catchment.imitations.salesforce import generator, samples
from catchment.imitations.salesforce.deeds import Deed
from catchment.imitations.salesforce.fields import Field, day, flag, money, number, pick, text
from catchment.imitations.salesforce.kinds import kind
from catchment.imitations.salesforce.organisation import Organisation

_MOST_FIELDS, _MOST_KINDS = 6, 2
_TARGETS = ("Account", "Contact", "Opportunity", "Case", "Invoice__c")


def new_field(org: Organisation, rng: random.Random) -> bool:
    """A custom field is added and filled for old records; no stamp moves."""
    name = rng.choice([name for name in _TARGETS if name in org.kinds])
    made = sum(field.name.startswith("Added_") for one in org.kinds.values() for field in one.fields)
    if made >= _MOST_FIELDS:
        return False
    stem = f"Added_{made + 1}__c"
    field: Field = rng.choice(
        (text(stem, 80), number(stem, 10, 3), money(stem), day(stem), flag(stem), pick(stem, "Red", "Green"))
    )
    now = org.clock.second()
    rows = [row_id for row_id in org.tables[name].ids() if rng.random() < 0.8]
    org.add_field(name, field, {row_id: samples.value(field, rng, now) for row_id in rows})
    return True


def new_label(org: Organisation, rng: random.Random) -> bool:
    """A field is called otherwise."""
    name = rng.choice([name for name in _TARGETS if name in org.kinds])
    field = rng.choice([field for field in org.kinds[name].fields if field.nillable])
    org.rename(name, field.name, f"{field.label.split(' (')[0]} ({rng.choice(('new', 'old', 'revised'))})")
    return True


def new_kind(org: Organisation, rng: random.Random) -> bool:
    """A custom object is made, with a few records."""
    made = sum(name.startswith("Project_") for name in org.kinds)
    if made >= _MOST_KINDS:
        return False
    name = f"Project_{made + 1}__c"
    org.add_kind(
        kind(
            name,
            f"a1{made}",
            text("Name", 80, nillable=False),
            Field("Account__c", "reference", 18, to=("Account",)),
            day("Start__c"),
            money("Budget__c"),
            flag("Active__c"),
            label=f"Project {made + 1}",
        )
    )
    for _ in range(rng.randint(2, 9)):
        org.insert(name, generator.record(org, rng, org.kinds[name], org.clock.second()))
    return True


def new_formula(org: Organisation, rng: random.Random) -> bool:
    """A formula yields other values; no record counts as changed."""
    rows = org.live("Account")
    for row_id in rng.sample(rows, min(5, len(rows))):
        org.rewrite("Account", row_id, {"Health__c": rng.choice(("Weak", "Fair", "Strong"))})
    return bool(rows)


REFORMS: tuple[Deed, ...] = (new_field, new_label, new_kind, new_formula)
