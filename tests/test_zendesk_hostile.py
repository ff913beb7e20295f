"""Zendesk where its answers leave room: rows that hide, pages that end in another way, sizes that are not ours."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from catchment.imitations.zendesk import Desk, generate
from connectors.zendesk import connector
from connectors.zendesk.answers import JUDGE
from framework import heads, proof
from framework.collection import Child, Collection, Column
from framework.errors import Kind, Refused
from framework.export import Export
from framework.feed import SECOND, Answer, Pass, Request, Slice, State, Step, View
from framework.pages import Pages
from framework.sideload import Beside, embed
from tests.test_zendesk import QUIET, SMALL, exact, marked, sync, tickets
from tests.zendesk_source import Support

NOW = 1_700_000_000
TABLES = {"tickets": "t-1", "metrics": "m-1", "groups": "g-1"}
TICKETS = Collection("tickets", columns=(Column("id", "bigint"),), children=(Child("metric", "metrics", "ticket_id"),))
EXPORT = Export((TICKETS,), "/export", stamps=("stamp",), limit=4, ids="/tickets")
GROUPS = Pages((Collection("groups", columns=(Column("id", "bigint"),)),), "/groups")
GET: Slice = {"id": "get/1", "kind": "get", "key": "1", "keys": ["1", "2", "3"], "v": 5 * SECOND}


def view(**more: Any) -> View:
    return View(**{"selected": frozenset(TABLES), "tables": TABLES, "now": NOW * SECOND, "run": "r", **more})


def answer(**body: Any) -> Answer:
    return Answer(200, json.dumps(body).encode(), {}, NOW * SECOND)


def state(why: str = "news", **memory: Any) -> State:
    marks = {"tickets": (NOW - 500) * SECOND}
    return State(marks=marks, memory=memory, open=Pass(why, ["tickets"], opened=NOW * SECOND))


def asked(request: Request) -> dict[str, str]:
    return dict(request.params)


@pytest.fixture
def support(tmp_path: Path) -> Iterator[Support]:
    with Support(generate(7, 700), tmp_path) as made:
        yield made


# -- rows that hide for a minute ----------------------------------------------------------------------------------


@pytest.mark.parametrize("made", [connector, SMALL], ids=["one-page", "many-pages"])
def test_a_change_of_the_last_minute_is_no_deletion(tmp_path: Path, made: Any) -> None:
    """The export shows such a row neither at its old place nor at its new one while all ids are compared."""
    with Support(generate(8, 600), tmp_path, connector=made) as support:
        sync(support)
        desk, account = Desk(support.account), support.account
        changed, gone = tickets(account, lambda ticket: ticket["status"] == "open")[:2]
        desk.purge(gone, account.clock.second())
        account.clock.move(86_500)
        desk.change(changed, account.clock.second(), desk.agents[0], {"priority": "urgent"})
        sync(support)
        assert gone["id"] in marked(support, "tickets")
        assert changed["id"] not in marked(support, "tickets")
        account.clock.move(QUIET)
        sync(support)
        exact(support)


def test_ids_that_an_answer_does_not_show_are_gone() -> None:
    request = EXPORT.request(GET, view())
    assert (request.path, asked(request)) == ("/tickets/show_many", {"ids": "1,2,3"})
    step = EXPORT.read(GET, answer(tickets=[{"id": 2}]), state("compare"), view())
    assert [(one.key, one.at) for one in step.gone] == [("1", 5 * SECOND), ("3", 5 * SECOND)]
    assert list(step.seen) == ["2"]


@pytest.mark.parametrize("kind", [Kind.GONE, Kind.BUG, Kind.UNAVAILABLE])
def test_without_a_call_for_many_ids_each_is_asked_for_and_without_that_what_changed_lately(kind: Kind) -> None:
    assert EXPORT.gone(GET, NOW) == []
    singles = list(EXPORT.refused(GET, Refused(kind, "no"), view()) or ())
    assert [EXPORT.request(one, view()).path for one in singles] == ["/tickets/1", "/tickets/2", "/tickets/3"]
    assert EXPORT.read(singles[0], answer(ticket={"id": 1}), state("compare"), view()).gone == []
    assert [one.key for one in EXPORT.gone(singles[1], NOW)] == ["2"]
    after = EXPORT.refused(singles[2], Refused(kind, "no"), view())
    if kind is Kind.GONE:
        assert after == []
        return
    (news,) = after or ()
    assert EXPORT.request(news, view()).path == "/export"
    assert asked(EXPORT.request(news, view(now=1000 * SECOND)))["start_time"] == "0"
    step = EXPORT.read(news, answer(tickets=[{"id": 2}]), state("compare"), view())
    assert [one.key for one in step.gone] == ["3"]
    full = EXPORT.read(news, answer(tickets=[{"id": n} for n in range(4, 8)]), state("compare"), view())
    assert (full.gone, list(full.seen)) == ([], ["3"])  # there may be more of them


def test_a_row_that_others_may_read_is_not_gone() -> None:
    one = {**GET, "way": "one", "keys": ["1"]}
    assert EXPORT.refused(one, Refused(Kind.PERMISSION, "no"), view()) == []
    halves = proof.refused(GET, Refused(Kind.SHRINK, "late")) or []
    assert [part["keys"] for part in halves] == [["1"], ["2", "3"]]


# -- stamps behind the vendor's clock -----------------------------------------------------------------------------


def news(before: State, *stamps: int) -> State:
    """The state after a pass over rows of these stamps."""
    before.open = before.open or Pass("news", ["tickets"], opened=NOW * SECOND)
    rows = [{"id": n, "stamp": stamp} for n, stamp in enumerate(stamps)]
    EXPORT.note(before, EXPORT.read({"since": 0}, answer(tickets=rows, end_of_stream=True), before, view()))
    EXPORT.close(before, view())
    before.open = None
    return before


def since(after: State) -> int:
    after.open = Pass("news", ["tickets"])
    found: int = EXPORT.slices(after, view())[0]["since"]
    after.open = None
    return found


def test_an_export_behind_its_clock_is_read_on_from_its_last_row() -> None:
    after = news(state(), NOW - 5000, NOW - 4000)
    assert after.marks["tickets"] == NOW * SECOND - EXPORT.settle
    assert since(after) == NOW - 4000
    assert since(news(after)) == NOW - 4000


def test_many_rows_of_one_stamp_are_not_read_at_every_run() -> None:
    after = news(state(), NOW - 4000, NOW - 4000, NOW - 4000)
    assert since(after) == NOW - 3999
    stale = news(news(state(), NOW - 4000), NOW - 4000, NOW - 5000, NOW - 4500)  # many, and nothing new
    assert since(stale) == NOW - EXPORT.settle // SECOND


def test_a_row_without_a_stamp_moves_no_restart() -> None:
    feed = dataclasses.replace(EXPORT, cursor=True)
    page = answer(tickets=[{"id": 1, "stamp": 50}, {"id": 2}], after_cursor="c", end_of_stream=False)
    (follow,) = feed.read({"since": 10}, page, state(), view()).slices
    assert follow["since"] == 50


# -- pages that end in another way --------------------------------------------------------------------------------


def follow(**envelope: Any) -> list[Slice]:
    step: Step = EXPORT.read({"since": 10}, answer(tickets=[{"id": 1, "stamp": 30}], **envelope), state(), view())
    return step.slices


def test_a_short_page_that_does_not_say_that_it_is_the_last_is_followed() -> None:
    assert follow(end_time=30)[0]["since"] == 30
    assert follow(end_time=10) == []


def test_without_an_end_time_the_link_or_the_last_row_says_where_to_go_on() -> None:
    assert follow(next_page="https://x.example/export.json?start_time=25&per_page=4")[0]["since"] == 25
    assert follow(end_of_stream=False)[0]["since"] == 30
    assert heads.started("https://x.example/export.json?start_time=soon") == heads.started(7) == 0


def test_numbered_pages_keep_the_size_that_the_first_one_had() -> None:
    first: Slice = {"id": "list", "kind": "list"}
    for link, size in (("https://x.example/groups.json?page=2", None), ("https://x/?page=2&per_page=30", "30")):
        page = answer(groups=[{"id": 1}], next_page=link, previous_page=None, count=95)
        (second,) = GROUPS.read(first, page, state("relist"), view()).slices
        assert asked(GROUPS.request(second, view())).get("per_page") == size


def test_what_a_page_shows_beside_its_rows_is_put_into_them() -> None:
    beside = Beside("metrics", "ticket_id", "metric")
    rows = [{"id": 1}, {"id": 2, "metric": None}, {}, 7]
    body = json.dumps({"tickets": rows, "metrics": [{"id": 9, "ticket_id": 1}, {"id": 8}, "odd"]}).encode()
    assert json.loads(embed(body, "tickets", "id", beside) or b"") == [
        {"id": 1, "metric": {"id": 9, "ticket_id": 1}}, {"id": 2, "metric": None}, {}, 7
    ]  # fmt: skip
    assert embed(b'{"tickets": [{"subject": "metrics"}]}', "tickets", "id", beside) is None


# -- trouble that passes ------------------------------------------------------------------------------------------


def test_a_start_that_is_too_recent_is_asked_again_whatever_its_status() -> None:
    for status in (400, 422):
        assert JUDGE.kind(status, "StartTimeTooRecent", "Too recent start_time", {}) is Kind.RETRY


def test_an_answer_that_came_too_late_is_not_asked_again_at_once() -> None:
    (first,) = EXPORT.refused({"since": 0, "limit": 400}, Refused(Kind.SHRINK, "late"), view()) or ()
    assert (first["limit"], first["pause"] > 0) == (200, True)
    last = {"since": 0, "limit": 10}
    pauses = []
    while found := EXPORT.refused(last, Refused(Kind.SHRINK, "late"), view()):
        (last,) = found
        pauses.append(last.pop("pause"))
    assert len(pauses) == 3
    assert pauses == sorted(set(pauses))


def test_a_late_answer_about_whose_account_it_is_costs_no_run(support: Support) -> None:
    late = support.server.faults.add("server_error", "users/me", status=504)
    sync(support)
    assert late.fired
    exact(support)
