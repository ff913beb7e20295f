"""SOQL of the imitation: a query finds exactly the records for which its condition holds."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catchment.imitations.salesforce import Organisation, User, generate
from catchment.imitations.salesforce.errors import ApiError
from catchment.imitations.salesforce.ids import checksum, number_of, record_id, whole_id
from catchment.imitations.salesforce.soql import parse
from catchment.imitations.salesforce.view import View
from tests.imitation_salesforce import NOW

ORG = generate(11, objects=1_500, now=NOW)
VIEW = View(ORG, User(ORG.admin, "sync@imitation.example"))
KIND = "Opportunity"
ROWS = [values for _, values in ORG.tables[KIND].items()]

Row = dict[str, Any]
Condition = tuple[str, Callable[[Row], bool]]


def found(soql: str, *, deleted: bool = True) -> list[str]:
    return [row["Id"] for row in VIEW.rows(VIEW.select(soql, deleted=deleted))]


def quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r") + "'"


def written(moment: int, offset: int) -> str:
    """One moment in one of the ways in which queries write it."""
    if not offset:
        return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    shifted = datetime.fromtimestamp(moment + offset * 3_600, UTC)
    return shifted.strftime("%Y-%m-%dT%H:%M:%S.000") + f"+{offset:02d}:00"


def values(name: str) -> list[Any]:
    return sorted({row[name] for row in ROWS if row[name] is not None})


SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def ordered(name: str, write: Callable[[Any], str]) -> st.SearchStrategy[Condition]:
    def made(sign: str, value: Any) -> Condition:
        test = SIGNS[sign]
        return f"{name} {sign} {write(value)}", lambda row: row[name] is not None and test(row[name], value)

    return st.builds(made, st.sampled_from(sorted(SIGNS)), st.sampled_from(values(name)))


def equal(name: str, write: Callable[[Any], str], fold: Callable[[Any], Any] = lambda v: v) -> Any:
    def same(value: Any) -> Condition:
        return f"{name} = {write(value)}", lambda row: row[name] is not None and fold(row[name]) == fold(value)

    def other(value: Any) -> Condition:
        return f"{name} != {write(value)}", lambda row: row[name] is None or fold(row[name]) != fold(value)

    def among(chosen: list[Any]) -> Condition:
        wanted = {fold(value) for value in chosen}
        return (
            f"{name} IN ({', '.join(write(value) for value in chosen)})",
            lambda row: row[name] is not None and fold(row[name]) in wanted,
        )

    one = st.sampled_from(values(name))
    return st.one_of(st.builds(same, one), st.builds(other, one), st.builds(among, st.lists(one, min_size=1)))


def nulls(name: str) -> st.SearchStrategy[Condition]:
    missing: Condition = (f"{name} = null", lambda row: row[name] is None)
    there: Condition = (f"{name} != NULL", lambda row: row[name] is not None)
    return st.sampled_from([missing, there])


SIMPLE = st.one_of(
    *(nulls(name) for name in ("Amount", "StageName", "CloseDate", "AccountId")),
    *(ordered("SystemModstamp", lambda v, o=offset: written(v, o)) for offset in (0, 2)),
    ordered("CloseDate", str),
    ordered("Amount", str),
    ordered("Id", quoted),
    equal("StageName", lambda v: quoted(v.upper()), str.casefold),
    equal("NextStep", quoted, str.casefold),
    equal("Amount", lambda v: f"{v:.3f}"),
    equal("AccountId", lambda v: quoted(v[:15])),
    equal("CloseDate", str),
    equal("IsDeleted", lambda v: "TRUE" if v else "false"),
    equal("SystemModstamp", lambda v: written(v, 1)),
)


def combined(inner: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    def both(parts: list[Condition]) -> Condition:
        return " AND ".join(f"({text})" for text, _ in parts), lambda row: all(test(row) for _, test in parts)

    def either(parts: list[Condition]) -> Condition:
        return " or ".join(f"({text})" for text, _ in parts), lambda row: any(test(row) for _, test in parts)

    def neither(part: Condition) -> Condition:
        return f"NOT ({part[0]})", lambda row: not part[1](row)

    several = st.lists(inner, min_size=2, max_size=3)
    return st.one_of(st.builds(both, several), st.builds(either, several), st.builds(neither, inner))


@settings(max_examples=300, deadline=None)
@given(st.recursive(SIMPLE, combined, max_leaves=6))
def test_a_query_finds_exactly_the_records_for_which_its_condition_holds(condition: Condition) -> None:
    text, holds = condition
    rows = found(f"SELECT Id FROM {KIND} WHERE {text}")
    assert sorted(rows) == sorted(row["Id"] for row in ROWS if holds(row))


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("Amount > 100 AND IsDeleted = false OR Amount = null", lambda r: _over(r) or r["Amount"] is None),
        ("Amount = null OR Amount > 100 AND IsDeleted = false", lambda r: _over(r) or r["Amount"] is None),
    ],
)
def test_and_binds_closer_than_or(text: str, holds: Callable[[Row], bool]) -> None:
    assert sorted(found(f"select id from opportunity where {text}")) == sorted(r["Id"] for r in ROWS if holds(r))


def _over(row: Row) -> bool:
    return row["Amount"] is not None and row["Amount"] > 100 and not row["IsDeleted"]


@pytest.mark.parametrize("order", ["SystemModstamp, Id", "Amount DESC NULLS LAST, Id DESC", "StageName ASC, Id"])
def test_order_by_sorts_by_each_field_in_turn(order: str) -> None:
    rows = VIEW.rows(VIEW.select(f"SELECT Id FROM {KIND} ORDER BY {order}", deleted=True))
    assert len(rows) == len(ROWS)
    first, second = (part.split() for part in order.split(","))

    def key(row: Row) -> tuple[bool, Any]:
        value = row[first[0]]
        if value is None:
            return ("LAST" in first, Decimal(0))
        if isinstance(value, str):
            value = value.casefold()
        return ("LAST" not in first, -value if "DESC" in first else value)

    keys = [key(row) for row in rows]
    assert keys == sorted(keys)
    for before, after in pairwise(rows):
        if key(before) == key(after):
            assert (before["Id"] < after["Id"]) == ("DESC" not in second)


def test_limit_and_offset_cut_the_ordered_records() -> None:
    whole = found(f"SELECT Id FROM {KIND} ORDER BY Id")
    assert found(f"SELECT Id FROM {KIND} ORDER BY Id LIMIT 5 OFFSET 7") == whole[7:12]
    assert found(f"SELECT Id FROM {KIND} ORDER BY Id LIMIT 0") == []


def test_keyset_pages_visit_every_record_once_whatever_the_ties() -> None:
    org = Organisation(3, now=NOW)
    org.admin = record_id("005", 1)
    for place in range(50):
        org.insert("Contact", {"LastName": "x"}, at=NOW - place // 20)
    view = View(org, User(org.admin, "x"))
    seen: list[str] = []
    where = ""
    while True:
        text = f"SELECT Id, SystemModstamp FROM Contact {where} ORDER BY SystemModstamp, Id LIMIT 7"
        rows = view.rows(view.select(text, deleted=True))
        if not rows:
            break
        seen += [row["Id"] for row in rows]
        last, stamp = rows[-1]["Id"], written(rows[-1]["SystemModstamp"], 0)
        where = f"WHERE (SystemModstamp > {stamp}) OR (SystemModstamp = {stamp} AND Id > '{last}')"
    assert len(seen) == len(set(seen)) == 50


@pytest.mark.parametrize(
    "soql",
    [
        "",
        "SELECT",
        "SELECT Id",
        "SELECT Id FROM",
        "SELECT Id, FROM Account",
        "SELECT Id FROM Account WHERE",
        "SELECT Id FROM Account WHERE Name",
        "SELECT Id FROM Account WHERE Name = ",
        "SELECT Id FROM Account WHERE Name = 'open",
        "SELECT Id FROM Account WHERE (Name = 'x'",
        "SELECT Id FROM Account WHERE Name = 'bad \\q escape'",
        "SELECT Id FROM Account LIMIT x",
        "SELECT Id FROM Account trailing",
        "SELECT Id FROM Account WHERE Name IN ()",
        "SELECT Id FROM Account; DROP",
        "SELECT FIELDS(ALL) FROM Account",
        "SELECT SUM(Amount) FROM Opportunity",
        "SELECT Id FROM Account WHERE CreatedDate > 2024-13-01T00:00:00Z",
        "SELECT Id FROM Account WHERE Name = 'x' AND" + " " * 100_001,
    ],
)
def test_what_is_no_query_is_refused(soql: str) -> None:
    with pytest.raises(ApiError) as refused:
        VIEW.select(soql, deleted=False)
    assert refused.value.code == "MALFORMED_QUERY"


@pytest.mark.parametrize(
    "soql",
    [
        "SELECT Id, id FROM Account",
        "SELECT Id FROM Account WHERE Name > null",
        "SELECT Id FROM Account WHERE IsDeleted > false",
        "SELECT Id FROM Account WHERE IsDeleted = 'true'",
        "SELECT Id FROM Account WHERE AnnualRevenue = '5'",
        "SELECT Id FROM Account WHERE Name = 5",
        "SELECT Id FROM Account WHERE LastActivityDate = 2024-01-01T00:00:00Z",
        "SELECT Id FROM Account WHERE CreatedDate > 2024-01-01",
        "SELECT Id FROM Account WHERE BillingAddress = null",
        "SELECT Id FROM Account ORDER BY Nothing__c",
    ],
)
def test_what_cannot_be_compared_or_selected_is_refused(soql: str) -> None:
    with pytest.raises(ApiError) as refused:
        VIEW.rows(VIEW.select(soql, deleted=False))
    assert refused.value.code == "INVALID_FIELD"


def test_hidden_fields_and_objects_are_unknown() -> None:
    view = View(ORG, User(ORG.admin, "x", {"Contract", "Account.Rating"}))
    for soql, code in (
        ("SELECT Id FROM Contract", "INVALID_TYPE"),
        ("SELECT Rating FROM Account", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE Rating = 'Hot'", "INVALID_FIELD"),
    ):
        with pytest.raises(ApiError) as refused:
            view.select(soql, deleted=False)
        assert refused.value.code == code
    assert "Rating" not in {field.name for field in view.fields(ORG.kinds["Account"])}


def test_groups_of_fields_need_a_limit_but_not_for_standard_ones() -> None:
    everything = VIEW.select("SELECT FIELDS(ALL) FROM Account LIMIT 200", deleted=False)
    standard = VIEW.select("SELECT FIELDS(STANDARD) FROM Account", deleted=False)
    custom = VIEW.select("SELECT FIELDS(CUSTOM) FROM Account LIMIT 1", deleted=False)
    assert set(everything.fields) == {*standard.fields, *custom.fields}
    assert all(field.custom for field in custom.fields)


@given(st.text())
def test_any_text_survives_quoting(text: str) -> None:
    where = parse(f"SELECT Id FROM Account WHERE Name = {quoted(text)}").where
    assert where is not None
    assert where.literals[0].value == text  # type: ignore[union-attr]


@given(st.integers(0, 62**8 - 1))
def test_ids_can_be_read_back_and_shortened(number: int) -> None:
    long = record_id("001", number)
    assert (len(long), number_of(long)) == (18, number)
    assert whole_id(long[:15]) == long
    assert checksum(long[:15]) == long[15:]


def test_the_checksum_is_the_vendors() -> None:
    assert whole_id("0011Y00003HVMu4") == "0011Y00003HVMu4QAH"
    assert whole_id("005i00000016Pda") == "005i00000016PdaAAE"
