"""The feed of a Salesforce object, without HTTP: what it asks, what it reads, what it does when it is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from catchment.testing.memory import objects
from connectors.salesforce import deleted, jobs, query
from connectors.salesforce.answers import JUDGE, usage
from connectors.salesforce.composite import BUNDLE
from connectors.salesforce.query import OVERLAP, SETTLE, Query
from connectors.salesforce.soql import BASE, micros
from framework.collection import Collection, Column
from framework.errors import Kind, Refused
from framework.feed import DAY, SECOND, Answer, Pass, Request, Slice, State, View
from framework.sight import Gone

NOW = micros("2026-11-20T10:00:30Z")
COLUMNS = (
    Column("id", "text", path=("Id",)),
    Column("name", "text", path=("Name",)),
    Column("arr", "decimal", path=("ARR__c",)),
    Column("is_active", "bool", path=("IsActive",)),
    Column("is_deleted", "bool", path=("IsDeleted",)),
    Column("system_modstamp", "timestamptz", path=("SystemModstamp",)),
    Column("created_date", "timestamptz", path=("CreatedDate",)),
)
FIELDS = tuple(str(column.path[0]) for column in COLUMNS)
ACCOUNTS = Collection("accounts", object="Account", columns=COLUMNS, drop=("attributes",))
FEED = Query((ACCOUNTS,), "Account", FIELDS)
TABLES = {"accounts": "a-1"}


def view(**more: Any) -> View:
    fields: dict[str, Any] = {"selected": frozenset(TABLES), "tables": TABLES, "now": NOW, "run": "r2"}
    return View(**{**fields, **more})


def opened(why: str, **memory: Any) -> State:
    state = filled(**memory)
    state.open = Pass(why, ["accounts"], opened=NOW)
    return state


def filled(**memory: Any) -> State:
    """A state whose first pass ended an hour ago."""
    mark = NOW - 3600 * SECOND
    known = {"version": "", "start": 0, "deleted": mark, "rows": 10, "columns": list(FIELDS), "listed": mark}
    return State(marks={"accounts": mark}, tables=dict(TABLES), memory=known | memory)


def answer(body: Any, **headers: str) -> Answer:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(200, data, headers, NOW)


def row(n: int, stamp: str = "2026-11-20T09:59:00.000+0000", **more: Any) -> dict[str, Any]:
    return {"attributes": {"type": "Account"}, "Id": f"001{n}", "IsDeleted": False, "SystemModstamp": stamp, **more}


def page(*rows: dict[str, Any], more: str = "", total: int = 0) -> Answer:
    following = {"nextRecordsUrl": more} if more else {}
    return answer({"totalSize": total or len(rows), "done": not more, **following, "records": list(rows)})


def text_of(slice_: Slice, feed: Query = FEED, **more: Any) -> str:
    """The query that a slice asks."""
    request = feed.request(slice_, view(**more))
    return parse_qs(urlsplit(request.path).query)["q"][0] if not request.body else json.loads(request.body)["query"]


def refusal(kind: Kind, code: str = "", message: str = "no", status: int = 400) -> Refused:
    return Refused(kind, message, http_status=status, code=code)


# ----------------------------------------------------------------------------------------- opening


def test_a_first_pass_reads_all_rows_the_bin_included() -> None:
    state = State(open=Pass("first", ["accounts"]))
    (slice_,) = FEED.slices(state, view())
    request = FEED.request(slice_, view())
    assert request.path.startswith(f"{BASE}/queryAll?q=SELECT+Id,Name,")
    assert text_of(slice_) == f"SELECT {','.join(FIELDS)} FROM Account"
    assert request.headers == {"Sforce-Query-Options": "batchSize=2000"}


def test_a_large_object_is_read_by_a_job() -> None:
    feed = replace(FEED, rows=10_001)
    (slice_,) = feed.slices(State(open=Pass("first", ["accounts"])), view())
    request = feed.request(slice_, view())
    assert (request.method, request.path) == ("POST", f"{BASE}/jobs/query")
    asked = json.loads(request.body)
    assert asked["operation"] == "queryAll"
    assert asked["query"] == f"SELECT {','.join(FIELDS)} FROM Account"


def test_the_next_pass_reads_from_the_mark_less_the_overlap_and_the_log_of_deletions() -> None:
    state = opened("tail")
    changed, log = FEED.slices(state, view())
    assert changed["lo"] == NOW - 3600 * SECOND - OVERLAP
    assert text_of(changed).endswith("FROM Account WHERE SystemModstamp >= 2026-11-20T08:55:30Z")
    path = FEED.request(log, view()).path
    assert path == f"{BASE}/sobjects/Account/deleted/?start=2026-11-20T09:00:00Z&end=2026-11-20T10:01:00Z"


def test_a_start_date_bounds_what_was_created() -> None:
    start = micros("2024-01-01T00:00:00Z")
    (slice_, _) = FEED.slices(opened("tail"), view(start=start))
    assert text_of(slice_).endswith("AND CreatedDate >= 2024-01-01T00:00:00Z")
    assert text_of(slice_, start=0) == text_of(slice_)  # a page to come asks what its pass was opened for
    timeless = replace(FEED, dated=False)
    (slice_, _) = timeless.slices(opened("tail"), view(start=start))
    assert "CreatedDate >=" not in text_of(slice_, timeless, start=start)


def test_without_the_vendors_time_nothing_opens() -> None:
    assert FEED.due(filled(), view(now=0)) is None


@pytest.mark.parametrize(("days", "why"), [(0, "tail"), (13, "tail"), (15, "compare"), (400, "compare")])
def test_a_log_that_no_longer_reaches_back_is_replaced_by_a_comparison(days: int, why: str) -> None:
    state = filled(deleted=NOW - days * DAY)
    due = FEED.due(state, view())
    assert due is not None
    assert due.why == why
    state.open = due
    kinds = [(s["kind"], s.get("want", "")) for s in FEED.slices(state, view())]
    assert kinds == [("list", ""), ("deleted", "") if why == "tail" else ("list", "ids")]


def test_a_small_object_without_a_log_is_compared_by_reading_it_whole() -> None:
    feed = replace(FEED, logged=False)
    due = feed.due(filled(), view())
    assert due is not None
    assert due.why == "compare"
    (slice_,) = feed.slices(opened("compare"), view())
    assert "WHERE" not in text_of(slice_, feed)
    step = feed.read(slice_, page(row(1), row(2)), opened("compare"), view())
    assert list(step.seen) == ["0011", "0012"]
    assert step.sights


def test_a_start_date_does_not_make_older_rows_look_deleted() -> None:
    feed, world = replace(FEED, logged=False), view(start=micros("2024-01-01T00:00:00Z"))
    _, ids = feed.slices(opened("compare"), world)
    assert parse_qs(urlsplit(feed.request(ids, world).path).query)["q"] == [
        "SELECT Id FROM Account WHERE IsDeleted = false"
    ]
    assert not feed.bounded


def test_a_large_object_without_a_log_is_compared_once_a_day() -> None:
    feed = replace(FEED, logged=False)
    for rows, scheduled, hours, why in (
        (20_001, False, 1, "tail"),
        (20_001, False, 25, "compare"),
        (5_000, True, 1, "tail"),
        (5_000, True, 25, "compare"),
        (20_000, False, 1, "compare"),  # ten calls: whoever asks for *now* gets it
        (2_000, True, 1, "compare"),
    ):
        due = feed.due(filled(rows=rows, compared=NOW - hours * 3600 * SECOND), view(due=scheduled))
        assert due is not None
        assert due.why == why


def test_without_a_log_nobody_asks_for_it() -> None:
    state = opened("tail", rows=5_000, compared=NOW)
    assert [s["kind"] for s in replace(FEED, logged=False).slices(state, view())] == ["list"]


def test_reading_again_asks_for_what_was_created_since() -> None:
    state = opened("gap")
    assert state.open is not None
    at = micros("2026-01-01T00:00:00Z")
    state.open.notes |= {"since": at, "start": at}
    (rows,) = FEED.slices(state, view())
    assert text_of(rows).endswith("WHERE CreatedDate >= 2026-01-01T00:00:00Z")
    assert len(FEED.read(rows, page(row(1), row(2, IsDeleted=True)), state, view()).seen) == 2
    state.open = Pass("compare", ["accounts"], notes={"keys": True})
    (ids,) = FEED.slices(state, view())
    assert text_of(ids) == "SELECT Id FROM Account WHERE IsDeleted = false"


def test_an_object_without_a_time_of_its_changes_is_read_again_when_somebody_wants_now() -> None:
    feed = replace(FEED, stamp="")
    assert feed.sole
    assert feed.cost(filled()) == 1
    assert feed.due(filled(), view()) is None
    for world in (view(relist=frozenset({"accounts"})), view(now=NOW + DAY)):
        due = feed.due(filled(), world)
        assert due is not None
        assert due.why == "relist"
    state = opened("relist")
    (slice_,) = feed.slices(state, view())
    (sight,) = feed.read(slice_, page(row(1)), state, view()).sights
    assert sight.version == NOW - SETTLE == feed.absent(state)


def test_new_fields_are_filled_by_reading_the_rows_that_have_them() -> None:
    known = [name for name in FIELDS if name not in ("ARR__c", "IsActive")]
    state = filled(columns=known)
    due = FEED.due(state, view())
    assert due == Pass("fill", ["accounts"], notes={"columns": {"accounts": ["arr", "is_active"]}, "start": 0})
    state.open = due
    (fill,) = FEED.slices(state, view())
    text = "SELECT Id,IsDeleted,SystemModstamp,ARR__c,IsActive FROM Account WHERE (ARR__c != null OR IsActive != null)"
    assert text_of(fill) == text
    (sight,) = FEED.read(fill, page(row(1, ARR__c=5)), state, view()).sights
    assert (sight.columns, sight.deleted) == (frozenset({"arr", "is_active"}), None)
    marks = dict(state.marks)
    FEED.close(state, view())
    assert (state.marks, set(state.memory["columns"])) == (marks, set(FIELDS))
    again = FEED.due(state, view())
    assert again is not None
    assert again.why == "tail"


def test_new_fields_that_no_condition_may_name_are_filled_by_reading_all() -> None:
    feed = replace(FEED, unasked=frozenset({"ARR__c"}))
    state = filled(columns=[name for name in FIELDS if name != "ARR__c"])
    state.open = feed.due(state, view())
    (fill,) = feed.slices(state, view())
    assert text_of(fill, feed) == "SELECT Id,IsDeleted,SystemModstamp,ARR__c FROM Account"


def test_where_stamps_do_not_tell_rows_are_read_whole_for_a_new_field() -> None:
    feed = replace(FEED, stamp="CreatedDate")
    state = filled(columns=[name for name in FIELDS if name != "ARR__c"])
    state.open = feed.due(state, view())
    (fill,) = feed.slices(state, view())
    assert text_of(fill, feed) == f"SELECT {','.join(FIELDS)} FROM Account"


def test_a_new_field_that_turns_out_not_to_be_there_is_left_to_another_run() -> None:
    state = filled(columns=[name for name in FIELDS if name != "ARR__c"])
    state.open = FEED.due(state, view())
    (fill,) = FEED.slices(state, view())
    gone = refusal(Kind.BUG, "INVALID_FIELD", "No such column 'ARR__c' on entity 'Account'")
    (without,) = FEED.refused(fill, gone, view()) or ()
    assert text_of(without).endswith("WHERE Id = null")
    FEED.note(state, FEED.read(without, page(), state, view()))
    FEED.close(state, view())
    assert "ARR__c" not in state.memory["columns"]
    now, later = FEED.due(state, view()), FEED.due(state, view(run="r3"))
    assert now is not None
    assert later is not None
    assert (now.why, later.why) == ("tail", "fill")


def test_what_a_read_goes_without_is_filled_later() -> None:
    state = opened("tail")
    (changed, _) = FEED.slices(state, view())
    gone = refusal(Kind.BUG, "INVALID_FIELD", "No such column 'ARR__c' on entity 'Account'")
    (without,) = FEED.refused(changed, gone, view()) or ()
    FEED.note(state, FEED.read(without, page(row(1)), state, view()))
    FEED.close(state, view())
    assert "ARR__c" not in state.memory["columns"]


# ----------------------------------------------------------------------------------------- reading


def test_a_page_is_handed_over_whole_with_each_rows_stamp_and_bin() -> None:
    rows = [row(1), row(2, "2026-11-20T09:58:00.250+0000", IsDeleted=True)]
    step = FEED.read({"id": "list", "kind": "list", "lo": 0}, page(*rows), opened("tail"), view())
    (sight,) = step.sights
    assert objects(sight) == rows
    assert sight.version == [micros("2026-11-20T09:59:00Z"), micros("2026-11-20T09:58:00Z") + 250_000]
    assert sight.deleted == [False, True]
    assert step.slices == []
    assert step.rows == 2


def test_pages_follow_the_locator_and_a_dead_one_starts_again() -> None:
    slice_: Slice = {"id": "list", "kind": "list", "lo": 5 * SECOND}
    step = FEED.read(slice_, page(row(1), more=f"{BASE}/query/0r8-2000"), opened("tail"), view())
    (following,) = step.slices
    assert FEED.request(following, view()).path == f"{BASE}/query/0r8-2000"
    assert FEED.refused(following, refusal(Kind.CURSOR), view()) == [{**slice_, "again": 1}]
    unstamped = replace(FEED, stamp="")
    for n in range(query.RESTARTS):
        again = unstamped.refused({**following, "again": n}, refusal(Kind.CURSOR), view())
        assert again == [{**slice_, "again": n + 1}]
    assert unstamped.refused({**following, "again": query.RESTARTS}, refusal(Kind.CURSOR), view()) is None


def test_a_query_that_finds_too_many_rows_becomes_a_job() -> None:
    slice_: Slice = {"id": "list", "kind": "list", "lo": 5 * SECOND}
    step = FEED.read(slice_, page(row(1), more="/x", total=10_001), opened("tail"), view())
    assert step.slices == [{**slice_, "kind": "job"}]
    assert not step.sights
    rest = FEED.read({**slice_, "rest": True}, page(row(1), more="/x", total=10_001), opened("tail"), view())
    assert rest.sights


def test_deletions_come_with_their_time_and_the_log_says_how_far_it_covers() -> None:
    body = {
        "deletedRecords": [{"id": "0011", "deletedDate": "2026-11-20T09:30:00.000+0000"}],
        "earliestDateAvailable": "2026-11-01T00:00:00.000+0000",
        "latestDateCovered": "2026-11-20T09:45:00.000+0000",
    }
    state = opened("tail")
    step = FEED.read(deleted.first(0, NOW), answer(body), state, view())
    assert step.gone == [Gone("accounts", "0011", micros("2026-11-20T09:30:00Z"))]
    FEED.note(state, step)
    FEED.close(state, view())
    assert state.memory["deleted"] == micros("2026-11-20T09:45:00Z")
    assert state.marks["accounts"] == NOW - SETTLE


def test_the_span_of_the_log_is_never_shorter_than_the_vendor_takes() -> None:
    slice_ = deleted.first(NOW - SECOND, NOW)
    assert slice_["hi"] - slice_["lo"] == 2 * deleted.MINUTE
    assert slice_["lo"] <= NOW - SECOND
    assert slice_["hi"] >= NOW


def test_too_many_deletions_are_read_in_halves_and_a_lost_log_by_ids() -> None:
    whole = deleted.first(NOW - DAY, NOW)
    low, high = FEED.refused(whole, refusal(Kind.SHRINK), view()) or ()
    assert low["lo"] == whole["lo"]
    assert low["hi"] == high["lo"]
    assert high["hi"] == whole["hi"]
    (ids,) = FEED.refused(whole, refusal(Kind.CURSOR), view()) or ()
    assert text_of(ids) == "SELECT Id FROM Account WHERE IsDeleted = false"
    state = opened("tail")
    step = FEED.read(ids, page({"Id": "0011"}), state, view())
    assert list(step.seen) == ["0011"]
    assert not step.sights
    assert FEED.absent(state) == 0
    FEED.note(state, step)
    assert state.open is not None
    assert state.open.why == "compare"
    assert FEED.absent(state) == NOW - SETTLE
    FEED.close(state, view())
    assert state.memory["deleted"] == NOW - SETTLE == state.marks["accounts"]
    assert FEED.due(state, view()) is None  # the comparison has read what is new as well


# ----------------------------------------------------------------------------------------- jobs


def poll(slice_: Slice, state: str, **more: Any) -> Slice:
    (following,) = FEED.read(slice_, answer({"id": "750", "state": state, **more}), opened("first"), view()).slices
    return following


def test_a_job_is_looked_at_ever_more_rarely_and_read_when_it_is_done() -> None:
    slice_: Slice = {"id": "list", "kind": "job", "lo": 0}
    pauses = []
    for state in ("UploadComplete", "InProgress", "InProgress"):
        slice_ = poll(slice_, state)
        assert FEED.request(slice_, view()).path == f"{BASE}/jobs/query/750"
        pauses.append(slice_.pop("pause"))
    assert pauses == sorted(pauses)
    assert pauses[0] == jobs.POLL_S
    assert len(set(pauses)) == 3
    done = poll(slice_, "JobComplete")
    request = FEED.request(done, view())
    assert request.path == f"{BASE}/jobs/query/750/results"
    assert dict(request.params) == {"maxRecords": str(jobs.PAGE_MAX)}
    assert request.headers == {"Accept": "text/csv"}


@pytest.mark.parametrize("state", ["Failed", "Aborted"])
def test_a_failed_job_is_read_by_queries(state: str) -> None:
    slice_ = poll({"id": "list", "kind": "poll", "job": "750", "lo": 0, "polls": 3}, state, errorMessage="x")
    assert slice_ == {"id": "list", "kind": "list", "lo": 0, "rest": True}


def test_an_object_that_jobs_do_not_take_is_read_by_queries() -> None:
    slice_: Slice = {"id": "list", "kind": "job", "lo": 0}
    assert FEED.refused(slice_, refusal(Kind.BUG, "INVALIDENTITY"), view()) == [
        {"id": "list", "kind": "list", "lo": 0, "rest": True}
    ]


def test_lost_results_are_made_again_but_not_for_ever() -> None:
    slice_: Slice = {"id": "list", "kind": "results", "job": "750", "locator": "L", "lo": 0}
    (again,) = FEED.refused(slice_, refusal(Kind.GONE, status=404), view()) or ()
    assert again == {"id": "list", "kind": "job", "lo": 0, "again": 1}
    (rest,) = FEED.refused({**slice_, "again": jobs.RESTARTS}, refusal(Kind.GONE, status=404), view()) or ()
    assert rest["kind"] == "list"
    assert rest["rest"]
    assert FEED.refused(slice_, refusal(Kind.RETRY, status=503), view()) is None  # the next run goes on from this page


CSV = b'''"Id","Name","ARR__c","IsActive","IsDeleted","SystemModstamp","CreatedDate"
"0011","Two
lines, ""quoted""","1.0E7","true","false","2026-11-20T09:59:00.000Z",""
"0012","","","","true","2026-11-20T09:58:00.000Z","2026-01-01T00:00:00.000Z"
'''


def test_results_become_what_a_query_would_have_answered() -> None:
    slice_: Slice = {"id": "list", "kind": "results", "job": "750", "lo": 0}
    step = FEED.read(slice_, answer(CSV, **{"sforce-locator": "MTAw"}), opened("first"), view())
    (sight,) = step.sights
    first, second = objects(sight)
    assert first["Name"] == 'Two\nlines, "quoted"'
    assert (first["ARR__c"], first["IsActive"], first.get("CreatedDate")) == (10_000_000.0, True, None)
    assert (second.get("Name"), second.get("ARR__c"), second.get("IsActive")) == (None, None, None)
    assert sight.deleted == [False, True]
    assert sight.version == [micros("2026-11-20T09:59:00Z"), micros("2026-11-20T09:58:00Z")]
    (following,) = step.slices
    assert dict(FEED.request(following, view()).params)["locator"] == "MTAw"


def test_results_end_with_the_word_null() -> None:
    slice_: Slice = {"id": "list", "kind": "results", "job": "750", "lo": 0}
    assert not FEED.read(slice_, answer(CSV, **{"sforce-locator": "null"}), opened("first"), view()).slices
    empty = FEED.read(slice_, answer(b"Records not found for this query\n"), opened("first"), view())
    assert not empty.sights
    assert not empty.slices


# ----------------------------------------------------------------------------------------- refusals and bundles


def test_a_column_that_vanished_is_left_out_of_the_same_read() -> None:
    gone = refusal(Kind.BUG, "INVALID_FIELD", "ERROR at Row:1:Column:8\nNo such column 'ARR__c' on entity 'Account'.")
    (again,) = FEED.refused({"id": "list", "kind": "list", "lo": 0}, gone, view()) or ()
    assert "ARR__c" not in text_of(again)
    assert "Name" in text_of(again)
    other = refusal(Kind.BUG, "INVALID_FIELD", "No such column 'Foo__c' on entity 'Account'.")
    assert FEED.refused({"id": "list", "kind": "list", "lo": 0}, other, view()) is None


def test_a_read_that_takes_too_long_is_halved_in_time_or_becomes_a_job() -> None:
    since = NOW - 3600 * SECOND
    low, high = FEED.refused({"id": "list", "kind": "list", "lo": since}, refusal(Kind.SHRINK), view()) or ()
    assert low["lo"] == since
    assert low["hi"] == high["lo"]
    assert "hi" not in high
    assert low["id"] != high["id"]
    assert "SystemModstamp <" in text_of(low)
    assert "SystemModstamp <" not in text_of(high)
    all_rows: Slice = {"id": "list", "kind": "list", "lo": 0}
    assert FEED.refused(all_rows, refusal(Kind.SHRINK), view()) == [{**all_rows, "kind": "job"}]
    long = refusal(Kind.SHRINK, status=414)
    assert FEED.refused({**all_rows, "lo": since}, long, view()) == [{**all_rows, "lo": since, "wide": True}]
    assert FEED.refused({**all_rows, "rest": True}, refusal(Kind.SHRINK), view()) is None


def test_a_wide_object_asks_for_keys_then_for_rows_by_id_and_the_bin_by_a_job() -> None:
    feed = replace(FEED, fields=(*FIELDS, *(f"A_field_with_quite_a_long_name_{n:04}__c" for n in range(400))))
    slice_: Slice = {"id": "list", "kind": "list", "lo": 5 * SECOND}
    assert text_of(slice_, feed).startswith("SELECT Id,IsDeleted,SystemModstamp FROM Account WHERE")
    step = feed.read(slice_, page(row(1), row(2, IsDeleted=True), row(3)), opened("tail"), view())
    assert not step.sights
    rows, binned = step.slices
    request = feed.request(rows, view())
    assert (request.method, request.path) == ("POST", f"{BASE}/composite/sobjects/Account")
    assert json.loads(request.body) == {"ids": ["0011", "0013"], "fields": list(feed.fields)}
    (sight,) = feed.read(rows, answer([row(1, Name="x"), None]), opened("tail"), view()).sights
    assert objects(sight) == [row(1, Name="x")]
    assert sight.version == [micros("2026-11-20T09:59:00Z")]
    assert "0399__c FROM Account WHERE SystemModstamp >=" in text_of(binned, feed)
    assert text_of(binned, feed).endswith("AND IsDeleted = true")
    low, high = feed.refused(rows, refusal(Kind.SHRINK), view()) or ()
    assert (low["keys"], high["keys"]) == (["0011"], ["0013"])
    assert low["id"] != high["id"]


def test_five_queries_and_twenty_others_make_one_call() -> None:
    queries = [Request(f"{BASE}/queryAll?q={n}") for n in range(6)]
    logs = [Request(f"{BASE}/sobjects/X/deleted/?start={n}") for n in range(25)]
    assert BUNDLE.fits([*queries[:5], *logs[:20]])
    assert not BUNDLE.fits(queries)
    assert not BUNDLE.fits([*queries[:5], *logs[:21]])
    assert not BUNDLE.fits([Request(f"{BASE}/jobs/query/750")])
    assert not BUNDLE.fits([Request(f"{BASE}/jobs/query", method="POST", body=b"{}")])


def test_the_parts_of_a_bundle_go_back_to_their_requests() -> None:
    requests = [Request(f"{BASE}/queryAll?q=1", headers={"A": "b"}), Request(f"{BASE}/sobjects/X/describe")]
    sent = json.loads(BUNDLE.wrap(requests).body)
    assert sent["allOrNone"] is False
    assert [(p["method"], p["url"], p.get("httpHeaders")) for p in sent["compositeRequest"]] == [
        ("GET", f"{BASE}/queryAll?q=1", {"A": "b"}),
        ("GET", f"{BASE}/sobjects/X/describe", None),
    ]
    parts = [
        {"referenceId": p["referenceId"], "httpStatusCode": 200 + n, "httpHeaders": {"ETag": n}, "body": {"n": n}}
        for n, p in enumerate(sent["compositeRequest"])
    ]
    found = BUNDLE.unwrap(answer({"compositeResponse": parts[::-1]}), requests)
    assert [(p.status, dict(p.headers), json.loads(p.body)) for p in found] == [
        (200, {"etag": "0"}, {"n": 0}),
        (201, {"etag": "1"}, {"n": 1}),
    ]


@pytest.mark.parametrize(
    ("status", "code", "message", "kind"),
    [
        (400, "INVALID_TYPE", "", Kind.PERMISSION),
        (400, "MALFORMED_QUERY", "", Kind.BUG),
        (400, "MALFORMED_QUERY", "Implementation restriction: X requires a filter by a single Id", Kind.UNAVAILABLE),
        (401, "INVALID_SESSION_ID", "", Kind.SESSION),
        (403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", Kind.QUOTA),
        (403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded.", Kind.WAIT),
        (403, "INSUFFICIENT_ACCESS", "", Kind.PERMISSION),
        (403, "API_DISABLED_FOR_ORG", "", Kind.AUTH),
        (404, "NOT_FOUND", "", Kind.GONE),
        (406, "", "", Kind.RETRY),
        (503, "SERVER_UNAVAILABLE", "", Kind.RETRY),
    ],
)
def test_answers_are_judged_by_status_and_code(status: int, code: str, message: str, kind: Kind) -> None:
    assert JUDGE.kind(status, code, message, {}) is kind


def test_the_days_usage_is_read_from_its_header() -> None:
    assert usage({"sforce-limit-info": "api-usage=893/15000"}) == (893, 15000)
    assert usage({"sforce-limit-info": "per-app-api-usage=17/250(appName=x);api-usage=1/2"}) == (1, 2)
    assert usage({"sforce-limit-info": "per-app-api-usage=17/250(appName=x)"}) is None
    assert usage({}) is None
