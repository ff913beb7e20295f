"""`catchment check` of a Salesforce account: what its user may read, asked in few calls and told object by object."""

from __future__ import annotations

from pathlib import Path

from catchment.imitations.salesforce import Server, generate
from catchment.testing.processes import Project, source


def test_each_object_is_tried_five_in_a_call(tmp_path: Path) -> None:
    with Server(generate(seed=3, objects=200)) as server:
        server.user.hidden |= {"Lead"}
        server.parts.add("forbidden", r"FROM\+Contact\+", probability=1.0)
        made = Project(tmp_path)
        known = {"access_token": server.access_token, "instance_url": server.url}
        made.configure({"crm": source("salesforce", server.url, known)})
        done = made.run("check", "--json")
        assert (done.code, made.warehouse.exists()) == (1, False)
        (crm,) = done.document["sources"]
        assert (crm["ok"], crm["error"], crm["account"]) == (False, None, server.org.id)
        kinds = {c["collection"]: c["error"]["kind"] for c in crm["collections"] if not c["readable"]}
        assert {name for name, kind in kinds.items() if kind == "permission"} == {"contacts", "leads"}
        assert {c["error"] is None for c in crm["collections"] if c["readable"]} == {True}
        assert len(crm["collections"]) == 48
        assert server.calls <= 15
