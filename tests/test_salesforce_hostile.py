"""A Salesforce that differs wherever the vendor leaves room: what it refuses, forgets, leaves out or cuts off."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from connectors.salesforce import composite, connector, deleted, describe, jobs, query, rendering
from connectors.salesforce.deleted import IDS, MINUTE
from connectors.salesforce.discovery import discover
from connectors.salesforce.query import Query
from connectors.salesforce.soql import ALONE, BASE, micros
from framework.bundle import Bundle, Part
from framework.choice import affordable
from framework.collection import Collection, Column
from framework.connector import Found
from framework.errors import Kind, Refused, SourceError
from framework.feed import SECOND, Answer, Pass, Request, Slice, State, View
from framework.holding import Holding
from framework.sight import Gone
from tests.salesforce_source import make

NOW = micros("2026-11-20T10:00:30Z")
MARK = NOW - 3600 * SECOND
FIELDS = ("Id", "Name", "IsDeleted", "SystemModstamp", "CreatedDate")
COLUMNS = tuple(Column(name.lower(), "bool" if name == "IsDeleted" else "text", path=(name,)) for name in FIELDS)
ACCOUNTS = Collection("accounts", object="Account", columns=COLUMNS)
FEED = Query((ACCOUNTS,), "Account", FIELDS)
VIEW = View(frozenset({"accounts"}), {"accounts": "a-1"}, now=NOW, run="r2")
LIST: Slice = {"id": "list", "kind": "list", "lo": MARK}


def state(why: str = "tail", rows: int = 10, **memory: Any) -> State:
    known = {"version": "", "start": 0, "deleted": MARK, "rows": rows, "columns": list(FIELDS), "listed": MARK}
    made = State(marks={"accounts": MARK}, tables={"accounts": "a-1"}, memory=known | memory)
    made.open = Pass(why, ["accounts"], opened=NOW)
    return made


def answer(body: Any, **headers: str) -> Answer:
    return Answer(200, body if isinstance(body, bytes) else json.dumps(body).encode(), headers, NOW)


def no(kind: Kind, status: int = 400, code: str = "") -> Refused:
    return Refused(kind, "no", http_status=status, code=code)


# ------------------------------------------------------------------------------------------------ the log of deletions


def log(earliest: str | None) -> Answer:
    return answer(
        {
            "deletedRecords": [{"id": "0011", "deletedDate": "2026-11-20T09:30:00.000+0000"}],
            "earliestDateAvailable": earliest,
            "latestDateCovered": "2026-11-20T09:45:00.000+0000",
        }
    )


@pytest.mark.parametrize(
    ("earliest", "lost"),
    [("2026-11-20T09:20:00.000+0000", True), ("2026-11-19T00:00:00.000+0000", False), (None, False)],
)
def test_a_log_purged_since_the_last_look_makes_a_comparison_of_ids(earliest: str | None, lost: bool) -> None:
    opened = state()
    step = FEED.read(deleted.first(MARK, NOW), log(earliest), opened, VIEW)
    assert [gone.key for gone in step.gone] == ["0011"]
    assert step.slices == ([IDS] if lost else [])


def test_a_small_object_whose_log_is_refused_is_compared_at_once() -> None:
    (slice_,) = [s for s in FEED.slices(state(rows=2_000), VIEW) if s["kind"] == "deleted"]
    for kind in (Kind.GONE, Kind.BUG, Kind.CURSOR):
        assert FEED.refused(slice_, no(kind), VIEW) == [IDS]


def test_a_large_object_asks_its_log_alone_before_its_ids_are_compared_and_remembers_that() -> None:
    opened = state(rows=5_000)
    (slice_,) = [s for s in FEED.slices(opened, VIEW) if s["kind"] == "deleted"]
    assert composite.BUNDLE.fits([FEED.request(slice_, VIEW)])
    alone = FEED.refused(slice_, no(Kind.GONE, 404), VIEW)
    assert alone is not None
    assert FEED.request(alone[0], VIEW).path == FEED.request(slice_, VIEW).path
    assert not composite.BUNDLE.fits([FEED.request(alone[0], VIEW)])
    assert FEED.refused(alone[0], no(Kind.GONE, 404), VIEW) == [IDS]
    FEED.note(opened, FEED.read(alone[0], log(None), opened, VIEW))
    FEED.close(opened, VIEW)
    opened.open = Pass("tail", ["accounts"], opened=NOW)
    (again,) = [s for s in FEED.slices(opened, VIEW) if s["kind"] == "deleted"]
    assert FEED.request(again, VIEW).endpoint == ALONE


def test_a_log_that_takes_no_end_in_the_future_is_asked_up_to_the_last_whole_minute() -> None:
    slice_ = deleted.first(MARK, NOW, small=False)
    assert slice_["hi"] > NOW
    (earlier,) = deleted.refused(slice_, no(Kind.CURSOR), NOW) or ()
    assert (earlier["lo"], earlier["hi"]) == (slice_["lo"], NOW // MINUTE * MINUTE)
    assert deleted.refused(earlier, no(Kind.CURSOR), NOW) == [IDS]  # it was something else
    (short,) = deleted.refused(deleted.first(NOW, NOW, small=False), no(Kind.CURSOR), NOW) or ()
    assert short["hi"] - short["lo"] >= 2 * MINUTE


def test_an_object_that_does_not_say_whether_it_has_a_log_is_asked_for_it() -> None:
    assert msgspec.json.decode(b'{"name":"X","fields":[]}', type=describe.ObjectType).replicateable


# -------------------------------------------------------------------------------------------------------------- queries


def test_a_next_page_may_be_null() -> None:
    row = {"Id": "0011", "IsDeleted": False, "SystemModstamp": "2026-11-20T09:59:00.000+0000"}
    step = FEED.read(
        LIST, answer({"totalSize": 1, "done": True, "nextRecordsUrl": None, "records": [row]}), state(), VIEW
    )
    assert step.rows == 1
    with pytest.raises(msgspec.DecodeError, match="names no next one"):
        FEED.read(
            LIST, answer({"totalSize": 9, "done": False, "nextRecordsUrl": None, "records": [row]}), state(), VIEW
        )


def test_a_next_page_that_bundles_are_refused_is_asked_alone() -> None:
    following = {**LIST, "after": f"{BASE}/query/0r8-2000"}
    assert composite.BUNDLE.fits([FEED.request(following, VIEW)])
    (alone,) = FEED.refused(following, no(Kind.GONE, 404), VIEW) or ()
    assert FEED.request(alone, VIEW).path == following["after"]
    assert not composite.BUNDLE.fits([FEED.request(alone, VIEW)])
    (again,) = FEED.refused(alone, no(Kind.GONE, 404), VIEW) or ()
    assert "after" not in again


@pytest.mark.parametrize("life", [1, 3, 7])
def test_locators_that_die_young_still_bring_every_row(life: int) -> None:
    """A vendor that forgets a list after some pages: halves of time, until each is short enough."""
    stamps = [MARK + n * SECOND for n in range(300)]
    seen: set[int] = set()
    slices: list[Slice] = [{**LIST, "lo": 0}]
    asked = 0
    while slices:
        slice_ = slices.pop()
        asked += 1
        rows = [s for s in stamps if slice_.get("lo", 0) <= s < slice_.get("hi", NOW)]
        page = int(slice_["after"].rpartition("-")[2]) if slice_.get("after") else 0
        if page > life:
            slices += FEED.refused(slice_, no(Kind.CURSOR, code="INVALID_QUERY_LOCATOR"), VIEW) or ()
            continue
        seen.update(rows[page * 10 : page * 10 + 10])
        if len(rows) > page * 10 + 10:
            slices.append({**slice_, "after": f"{BASE}/query/0r8-{page + 1}"})
    assert seen == set(stamps)
    assert asked < 2_000


@pytest.mark.parametrize("kind", [Kind.BUG, Kind.SHRINK])
def test_new_columns_that_no_condition_may_name_have_every_row_read(kind: Kind) -> None:
    slice_: Slice = {"id": "list", "kind": "list", "lo": 0, "fill": ["Name"], "new": ["Name"]}
    (every,) = FEED.refused(slice_, no(kind), VIEW) or ()
    assert every["new"] == []
    (whole,) = FEED.refused({**every, "live": True, "alone": True}, no(Kind.BUG), VIEW) or ()
    assert "fill" not in whole
    assert FEED.refused(whole, no(Kind.BUG), VIEW) is None


def test_an_object_that_refuses_its_bin_is_read_without_it_and_that_is_remembered() -> None:
    (alone,) = FEED.refused(LIST, no(Kind.BUG), VIEW) or ()
    assert FEED.request(alone, VIEW).path == FEED.request(LIST, VIEW).path
    assert not composite.BUNDLE.fits([FEED.request(alone, VIEW)])  # what is wrong there may be right by itself
    (live,) = FEED.refused(alone, no(Kind.BUG), VIEW) or ()
    assert FEED.request(LIST, VIEW).path.startswith(f"{BASE}/queryAll?")
    assert FEED.request(live, VIEW).path == FEED.request(LIST, VIEW).path.replace("queryAll", "query")
    assert FEED.refused(live, no(Kind.BUG), VIEW) is None
    opened = state("first")
    FEED.note(opened, FEED.read(live, answer({"totalSize": 0, "done": True, "records": []}), opened, VIEW))
    FEED.close(opened, VIEW)
    opened.open = Pass("compare", ["accounts"], opened=NOW)
    lists = [FEED.request(s, VIEW).path for s in FEED.slices(opened, VIEW) if s["kind"] == "list"]
    assert len(lists) == 2
    assert all(path.startswith(f"{BASE}/query?") for path in lists)


def test_wide_rows_that_are_not_to_be_had_by_id_come_by_one_job_or_not_at_all() -> None:
    feed = replace(FEED, fields=(*FIELDS, *(f"Column_With_A_Long_Name_{n}__c" for n in range(600))))
    pages = [
        {"totalSize": 2, "done": True, "records": [{"Id": key, "SystemModstamp": "2026-11-20T09:59:00.000+0000"}]}
        for key in ("0011", "0012")
    ]
    rows = [feed.read(LIST, answer(body), state(), VIEW).slices[0] for body in pages]
    (job,), (same,) = [feed.refused(slice_, no(Kind.GONE, 404), VIEW) or () for slice_ in rows]
    assert job["id"] == same["id"]
    assert json.loads(feed.request(job, VIEW).body)["query"] == feed._text(LIST, VIEW)
    (instead,) = feed.refused(job, no(Kind.UNAVAILABLE, 403), VIEW) or ()
    (by_id,) = feed.read(instead, answer(pages[0]), state(), VIEW).slices
    assert feed.refused(by_id, no(Kind.GONE, 404), VIEW) is None


def test_an_object_with_formulas_is_read_whole_now_while_ten_calls_do_it() -> None:
    formulas = replace(FEED, silent=True)
    for rows, now, due in ((2_000, True, True), (2_001, True, False), (20_000, True, False), (20_001, False, False)):
        for view in (VIEW, replace(VIEW, due=True)):
            opened = state(rows=rows, listed=NOW)
            afforded = affordable([Holding(formulas, opened, 0)]) if not view.due else frozenset()
            opened.open = None
            passed = formulas.due(opened, replace(view, relist=afforded))
            assert passed is not None
            assert bool(passed.notes["whole"]) is (due if view.due else now), (rows, view.due)
    assert not affordable([Holding(FEED, state(rows=9_000), 0)])


def test_what_lies_in_the_bin_and_no_job_reads_is_marked_and_ends() -> None:
    """Wide rows in the bin are read by a job; where that fails, it is not made for ever."""
    feed = replace(FEED, fields=(*FIELDS, *(f"Column_With_A_Long_Name_{n}__c" for n in range(600))))
    job: Slice = {"id": "list/bin", "kind": "job", "bin": True, "lo": MARK}
    (instead,) = feed.refused(job, no(Kind.BUG), VIEW) or ()
    assert instead["kind"] == "list"
    row = {"Id": "0011", "IsDeleted": True, "SystemModstamp": "2026-11-20T09:59:00.000+0000"}
    step = feed.read(instead, answer({"totalSize": 1, "done": True, "records": [row]}), state(), VIEW)
    assert step.slices == []
    assert step.gone == [Gone("accounts", "0011", micros("2026-11-20T09:59:00Z"))]


# ----------------------------------------------------------------------------------------------------------------- jobs


def test_an_organisation_without_the_bulk_api_has_its_queries() -> None:
    instead = FEED.refused({"id": "list", "kind": "job", "lo": 0}, no(Kind.UNAVAILABLE, 403), VIEW)
    assert instead == [{"id": "list", "kind": "list", "lo": 0, "rest": True}]


@pytest.mark.parametrize("where", ["jobs/query", "composite"])
def test_a_disabled_api_ends_the_source_and_a_disabled_bulk_api_nothing(
    monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.setattr(query, "BULK_ABOVE", 10)
    source = make()
    try:
        source.server.faults.add("disabled", where, probability=1.0)
        if where == "composite":
            with pytest.raises(Refused) as raised:
                source.run()
            assert raised.value.kind is Kind.AUTH
        else:
            assert not source.run().failed()
            assert source.differences() == []
        assert source.server.faults.fired["disabled"]
    finally:
        source.server.stop()


def test_a_job_that_never_ends_does_not_keep_its_run_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query, "BULK_ABOVE", 10)
    monkeypatch.setattr(jobs, "POLL_S", 0.01)
    monkeypatch.setattr(jobs, "POLL_MAX_S", 0.01)
    source = make()
    source.select("Account", "Profile")
    try:
        source.server.api.jobs.polls = 10**9
        outcome = source.run()
        status, error = outcome.failed()["accounts"]
        assert (status, error["kind"]) == ("failed", "timeout")
        assert "after an hour: InProgress" in error["message"]
        assert outcome.statuses["profile"] == "succeeded"
        (made,) = {entry.target.split("/")[-1] for entry in source.server.log if "/jobs/query/" in entry.target}
        source.server.api.jobs.polls = 1
        assert not source.run().failed()
        assert source.differences() == []
        assert any(f"{made}/results" in entry.target for entry in source.server.log)
    finally:
        source.server.stop()


def test_a_page_of_results_that_was_cut_off_is_no_page() -> None:
    slice_: Slice = {"id": "list", "kind": "results", "job": "750x", "lo": 0}
    types = "Id,Name,IsDeleted,SystemModstamp\n"
    rows = [f"001{n},a,false,2026-11-20T09:59:00.000Z\n" for n in range(3)]
    told = {"sforce-numberofrecords": "3", "sforce-locator": "null"}
    whole = FEED.read(slice_, answer((types + "".join(rows)).encode(), **told), state("first"), VIEW)
    assert whole.rows == 3
    with pytest.raises(msgspec.DecodeError, match="a page of 3 rows came with 2"):
        FEED.read(slice_, answer((types + "".join(rows[:2])).encode(), **told), state("first"), VIEW)
    jobs.whole(answer(b""), 2)  # nothing told, nothing to hold against it


def test_results_with_other_columns_are_no_empty_results() -> None:
    assert list(rendering.pages(b"Records not found for this query\n", {"Id": "text"})) == []
    with pytest.raises(msgspec.DecodeError, match="not asked for: \\['Other'\\]"):
        list(rendering.pages(b"Id,Other\n1,2\n", {"Id": "text"}))


@pytest.mark.parametrize("spelled", ["true", "TRUE", "True"])
def test_a_boolean_is_one_however_it_is_spelled(spelled: str) -> None:
    (columns,) = rendering.pages(f"Id,B\n1,{spelled}\n2,\n".encode(), {"Id": "text", "B": "bool"})
    assert json.loads(rendering.array(columns)) == [{"Id": "1", "B": True}, {"Id": "2"}]


# ------------------------------------------------------------------------------------------------------------ discovery

TYPE = {
    "name": "Account",
    "label": None,
    "fields": [
        {"name": "Id", "type": "id"},
        {"name": "Ref__c", "type": "reference", "label": None, "scale": None, "referenceTo": None},
        {"name": "SystemModstamp", "type": "datetime"},
    ],
}
Say = Callable[[Request, Sequence[dict[str, Any]]], Any]


def found(say: Say, known: bytes = b"", date: int = NOW) -> tuple[Found, int]:
    """What is found in an organisation that answers bundles as ``say`` does, and in how many calls."""
    calls = 0

    def ask(request: Request) -> Answer:
        nonlocal calls
        calls += 1
        if request.path == composite.PATH:
            return replace(answer(say(request, json.loads(request.body)["compositeRequest"])), asked=date)
        if request.path.endswith("/describe"):
            return answer(TYPE)
        if "recordCount" in request.path:
            raise no(Kind.GONE, 404)
        return answer({"sobjects": []})

    return discover(connector, frozenset({"accounts"}), known, ask), calls


def parts(modified: Callable[[str], str], types: dict[str, Any]) -> Say:
    """Answers by condition; ``modified``: path -> its time of change."""

    def say(_: Request, asked: Sequence[dict[str, Any]]) -> Any:
        made = []
        for one in asked:
            at = modified(one["url"])
            same = bool(at) and one.get("httpHeaders", {}).get("If-Modified-Since") == at
            body = None if same else types if one["url"].endswith("/describe") else {"sobjects": []}
            headers = {"Last-Modified": at} if at else {}
            made.append(
                {"referenceId": one["referenceId"], "httpStatusCode": 304 if same else 200, "httpHeaders": headers,
                 "body": body}
            )  # fmt: skip
        return {"compositeResponse": made}

    return say


def refusing(_: Request, __: Sequence[dict[str, Any]]) -> Any:
    raise no(Kind.GONE, 404)


@pytest.mark.parametrize("say", [refusing, lambda *_: None, lambda *_: [], lambda *_: {"compositeResponse": []}])
def test_objects_are_described_one_by_one_where_bundles_are_refused_or_broken(say: Say) -> None:
    seen, _ = found(say)
    assert not seen.missing
    assert [column.name for column in seen.connector.collections[0].columns] == ["id", "ref_c", "system_modstamp"]


@pytest.mark.parametrize("status", [400, 404])
def test_what_is_wrong_in_a_bundle_may_be_right_by_itself(status: int) -> None:
    def say(_: Request, asked: Sequence[dict[str, Any]]) -> Any:
        refusal = [{"errorCode": "INVALID_INPUT", "message": "not in a composite"}]
        return {
            "compositeResponse": [
                {"referenceId": one["referenceId"], "httpStatusCode": status, "httpHeaders": {}, "body": refusal}
                for one in asked
            ]
        }

    seen, _ = found(say)
    assert not seen.missing
    assert len(seen.connector.collections[0].columns) == 3


def test_an_organisation_without_this_version_of_the_api_says_so_in_few_calls() -> None:
    asked = []

    def ask(request: Request) -> Answer:
        asked.append(request.path)
        if request.path == "/services/data":
            return answer([{"version": "66.0"}, {"version": "67.0"}])
        raise no(Kind.GONE, 404)

    with pytest.raises(SourceError, match=r"no version 68\.0, the last is 67\.0") as raised:
        discover(connector, frozenset({"accounts"}), b"", ask)
    assert raised.value.kind == "config"
    assert len(asked) == 2


def test_row_counts_that_are_never_told_are_asked_once() -> None:
    say = parts(lambda _: "Mon, 16 Nov 2026 10:00:00 GMT", TYPE)
    first, calls = found(say)
    assert calls == 2
    assert found(say, first.document)[1] == 1


def test_a_description_that_changes_in_the_second_of_its_own_time_is_not_missed() -> None:
    at = "Fri, 20 Nov 2026 10:00:30 GMT"
    newer = {**TYPE, "fields": [*TYPE["fields"], {"name": "New__c", "type": "string"}]}  # type: ignore[misc]
    first, _ = found(parts(lambda _: at, TYPE), date=NOW)
    second, _ = found(parts(lambda _: at, newer), first.document, date=NOW + 60 * SECOND)
    assert "new_c" in {column.name for column in second.connector.collections[0].columns}
    third, calls = found(parts(lambda _: at, newer), second.document, date=NOW + 60 * SECOND)
    assert calls == 1
    assert third.document == second.document


def test_an_object_may_change_without_the_list_of_all_objects_saying_so() -> None:
    monday, tuesday = "Mon, 16 Nov 2026 10:00:00 GMT", "Tue, 17 Nov 2026 10:00:00 GMT"
    newer = {**TYPE, "fields": [*TYPE["fields"], {"name": "New__c", "type": "string"}]}  # type: ignore[misc]
    first, _ = found(parts(lambda _: monday, TYPE))
    second, calls = found(parts(lambda url: tuesday if url.endswith("/describe") else monday, newer), first.document)
    assert calls == 1
    assert "new_c" in {column.name for column in second.connector.collections[0].columns}


# ------------------------------------------------------------------------------------------------------ bundles at work


def _nowhere(requests: Sequence[Request]) -> Request:
    return replace(composite.wrap(requests), path=f"{BASE}/nowhere")


def _cut_off(answer: Answer, requests: Sequence[Request]) -> Sequence[Part]:
    first, *others = composite.unwrap(answer, requests)
    return [replace(first, body=first.body[: len(first.body) // 2]), *others]


@pytest.mark.parametrize(
    "bundle",
    [replace(composite.BUNDLE, wrap=_nowhere), replace(composite.BUNDLE, unwrap=_cut_off)],
    ids=["refused as such", "with a part cut off"],
)
def test_what_a_bundle_does_not_bring_is_asked_alone(bundle: Bundle) -> None:
    source = make()
    try:
        source.connector = replace(source.connector, bundle=bundle)
        for _ in range(2):
            outcome = source.run()
            assert outcome.document["error"] is None
            assert not outcome.failed()
            assert source.differences() == []
    finally:
        source.server.stop()
