"""Events and invented accounts of the Stripe imitation: what is announced, when it shows, what it all adds up to."""

import re
from decimal import Decimal

from catchment.imitations.stripe import API_VERSION, Account, Server, generate, live
from catchment.imitations.stripe.events import previous
from catchment.imitations.stripe.templates import billing, invoices, payments, people
from tests.imitation_stripe import DAY, NOW, Client, customer, event_types

# --- events ----------------------------------------------------------------------------------------------------


def test_changes_that_the_vendor_does_not_announce(account: Account) -> None:
    account.create(payments.payment_method(id="pm_1", created=NOW))
    account.create(payments.payment_intent(id="pi_1", created=NOW, status="requires_payment_method"))
    account.create(invoices.invoice_item(id="ii_1", date=NOW))
    assert event_types(account) == ["payment_intent.created", "invoiceitem.created"]
    account.update("payment_intent", "pi_1", {"metadata": {"a": "b"}})
    account.update("invoiceitem", "ii_1", {"description": "other"})
    account.update("payment_method", "pm_1", {"metadata": {"a": "b"}})
    assert len(event_types(account)) == 2
    account.update("payment_method", "pm_1", {"customer": "cus_1"})
    account.update("payment_method", "pm_1", {"customer": None})
    account.update("payment_intent", "pi_1", {"status": "succeeded"})
    assert event_types(account)[2:] == [
        "payment_method.attached",
        "payment_method.detached",
        "payment_intent.succeeded",
    ]


def test_changes_that_the_vendor_announces_more_than_once_or_by_another_name(account: Account) -> None:
    account.create(payments.charge(id="ch_1", created=NOW, amount=100))
    account.create(payments.refund(id="re_1", created=NOW, charge="ch_1"))
    account.update("charge", "ch_1", {"amount_refunded": 40})
    account.update("refund", "re_1", {"status": "failed"})
    account.create(payments.dispute(id="du_1", created=NOW, charge="ch_1"))
    account.create(billing.subscription(id="sub_1", created=NOW, customer="cus_1"))
    account.update("subscription", "sub_1", {"status": "canceled"})
    assert event_types(account) == [
        "charge.succeeded",
        "refund.created",
        "charge.refunded",
        "refund.updated",
        "charge.refund.updated",
        "refund.failed",
        "charge.dispute.created",
        "customer.subscription.created",
        "customer.subscription.deleted",
    ]
    assert "sub_1" in account.truth()["subscription"]


def test_sources_and_tax_ids_are_announced_under_their_customer(account: Account) -> None:
    owner = customer(account)["id"]
    account.add_child("customer", owner, "sources", payments.card(id="card_1", customer=owner))
    account.add_child("customer", owner, "tax_ids", people.tax_id(id="txi_1", created=NOW, customer=owner))
    account.delete("card", "card_1")
    account.delete("tax_id", "txi_1")
    assert event_types(account)[1:] == [
        "customer.source.created",
        "customer.tax_id.created",
        "customer.source.deleted",
        "customer.tax_id.deleted",
    ]
    assert account.deleted[("card", "card_1")].parent == ("customer", owner, "sources")
    assert account.children(owner, "sources") == []


def test_an_updated_event_says_what_was_before(pair: tuple[Server, Client], account: Account) -> None:
    owner = customer(account, name="Ada", metadata={"a": "1", "b": "2"})["id"]
    account.update("customer", owner, {"name": "Grace", "metadata": {"a": "1", "b": "3", "c": "4"}})
    event = pair[1].stripe.v1.events.list({"type": "customer.updated"}).data[0].to_dict()
    assert event["data"]["previous_attributes"] == {"name": "Ada", "metadata": {"b": "2", "c": None}}
    assert event["data"]["object"]["name"] == "Grace"
    assert (event["api_version"], event["created"], event["livemode"]) == (API_VERSION, NOW, False)


def test_a_change_inside_an_embedded_list_is_named(account: Account) -> None:
    account.create(billing.subscription(id="sub_1", created=NOW), emit=False)
    account.add_child("subscription", "sub_1", "items", billing.subscription_item(id="si_1", subscription="sub_1"))
    account.update(
        "subscription",
        "sub_1",
        remove={"items": ["si_1"]},
        add={"items": [billing.subscription_item(id="si_2", subscription="sub_1")]},
    )
    data = account.get("event", account.ids("event")[0])["data"]
    assert [row["id"] for row in data["object"]["items"]["data"]] == ["si_2"]
    assert [row["id"] for row in data["previous_attributes"]["items"]["data"]] == ["si_1"]
    account.update("subscription", "sub_1", change={"items": {"si_2": {"quantity": 9}}})
    assert account.get("subscription", "sub_1")["items"]["data"][0]["quantity"] == 9
    assert ("subscription_item", "si_1") in account.deleted


def test_a_change_beyond_the_shown_rows_is_named_too(account: Account) -> None:
    account.create(invoices.invoice(id="in_1", created=NOW), emit=False)
    for number in range(12):
        account.add_child("invoice", "in_1", "lines", invoices.invoice_line(id=f"il_{number}", invoice="in_1"))
    account.update("invoice", "in_1", remove={"lines": ["il_11"]})
    assert "lines" in account.get("event", account.ids("event")[0])["data"]["previous_attributes"]
    assert account.get("invoice", "in_1")["lines"]["has_more"]


def test_an_event_keeps_the_state_of_its_moment(account: Account) -> None:
    owner = customer(account, name="Ada")["id"]
    account.update("customer", owner, {"name": "Grace"})
    first, second = (account.get("event", key)["data"]["object"]["name"] for key in reversed(account.ids("event")))
    assert (first, second) == ("Ada", "Grace")


def test_late_and_tied_events(pair: tuple[Server, Client], account: Account) -> None:
    owner = customer(account)["id"]
    account.update("customer", owner, {"name": "late"}, at=NOW - 40)
    account.update("customer", owner, {"name": "hidden"}, hidden_for=3_000)
    account.update("customer", owner, {"name": "tie 1"})
    account.update("customer", owner, {"name": "tie 2"})

    def names() -> list[str | None]:
        return [row["data"]["object"]["name"] for row in pair[1].get("/v1/events").json()["data"]]

    assert names() == ["tie 2", "tie 1", None, "late"]
    assert pair[1].get(f"/v1/customers/{owner}").json()["name"] == "tie 2"
    account.clock.move(3_001)
    assert names() == ["tie 2", "tie 1", "hidden", None, "late"]


def test_events_vanish_after_thirty_days(pair: tuple[Server, Client], account: Account) -> None:
    customer(account)
    event_id = account.ids("event")[0]
    assert pair[1].get(f"/v1/events/{event_id}").status_code == 200
    account.clock.move(31 * DAY)
    assert pair[1].get("/v1/events").json()["data"] == []
    assert pair[1].get(f"/v1/events/{event_id}").status_code == 404
    assert pair[1].get(f"/v1/events?starting_after={event_id}").status_code == 400
    assert len(pair[1].get("/v1/customers").json()["data"]) == 1
    assert "GMT" in pair[1].get("/v1/events").headers["Date"]
    customer(account, created=NOW)
    assert event_types(account) == []


def test_events_of_an_older_version_have_another_shape(account: Account) -> None:
    account.event_version = "2024-06-20"
    account.create(billing.subscription(id="sub_1", created=NOW), emit=False)
    row = billing.subscription_item(id="si_1", subscription="sub_1", current_period_end=NOW + DAY)
    account.add_child("subscription", "sub_1", "items", row)
    account.announce("subscription", "sub_1")
    event = account.get("event", account.ids("event")[0])
    assert event["api_version"] == "2024-06-20"
    assert event["data"]["object"]["current_period_end"] == NOW + DAY
    assert "current_period_end" not in event["data"]["object"]["items"]["data"][0]
    assert "current_period_end" not in account.get("subscription", "sub_1")


def test_the_newest_event_of_every_object_shows_what_it_is_now(lived: Account) -> None:
    seen: set[tuple[str, str]] = set()
    for event_id in lived.ids("event"):
        shown = lived.get("event", event_id)["data"]["object"]
        key = (shown["object"], shown.get("id", ""))
        if key in seen or not key[1]:
            continue
        seen.add(key)
        if key not in lived.deleted:
            assert lived.get(*key) == shown
    assert len(seen) > 100


def test_life_takes_vendor_time_and_does_a_bit_of_everything() -> None:
    account = generate(7, objects=1_000, now=NOW)
    counts = live(account, 1, 60, pace=2.0)
    assert sum(counts.values()) == 60
    assert {"customer_deleted", "late_event", "tied_edits", "item_swapped", "vendor_tells"} <= set(counts)
    assert account.clock.now() >= NOW + 120
    assert {"invoice.upcoming", "balance.available", "customer.deleted"} <= set(event_types(account))
    stamps = [account.get("event", event_id)["created"] for event_id in account.ids("event")]
    assert stamps == sorted(stamps, reverse=True)


def test_what_is_deleted_is_known_with_its_last_payload(lived: Account) -> None:
    truth = lived.truth()
    assert {"customer", "invoiceitem", "product", "coupon", "subscription_item", "line_item", "tax_id"} <= {
        kind for kind, _ in lived.deleted
    }
    for (kind, object_id), gone in lived.deleted.items():
        assert object_id not in truth.get(kind, {})
        assert gone.object["id"] == object_id


# --- the generated account -------------------------------------------------------------------------------------


def test_the_same_seed_makes_the_same_account() -> None:
    one, two = (generate(9, objects=1_200, now=NOW) for _ in range(2))
    live(one, 3, 60)
    live(two, 3, 60)
    assert one.truth() == two.truth()
    assert 1_200 <= one.count() < 1_800
    assert generate(10, objects=1_200, now=NOW).truth() != generate(9, objects=1_200, now=NOW).truth()


def test_references_point_at_objects(lived: Account) -> None:
    truth = lived.truth()
    known = {key for rows in truth.values() for key in rows} | {key for _, key in lived.deleted}
    for object_type, rows in truth.items():
        for row in rows.values():
            for field in ("customer", "charge", "payment_intent", "balance_transaction", "invoice", "subscription",
                          "latest_charge", "default_source", "latest_invoice", "product"):  # fmt: skip
                if isinstance(row.get(field), str):
                    assert row[field] in known, (object_type, field)


def test_awkward_values_are_there() -> None:
    truth = generate(5, objects=2_500, now=NOW).truth()
    charges = list(truth["charge"].values())
    assert any(row["amount"] > 2**53 for row in charges)
    assert any(len(row["description"] or "") == 60_000 for row in charges)
    assert any(row.get("x_unreleased", {}).get("nested", {}).get("rate") == Decimal("1.10") for row in charges)
    assert any(len(row["metadata"]) == 50 for row in truth["customer"].values())
    assert {"jpy", "kwd", "usd"} <= {row["currency"] for row in charges}
    assert all(row["amount"] % 10 == 0 for row in charges if row["currency"] == "kwd" and row["amount"] > 10_000)
    names = "".join(row["name"] or "" for row in truth["customer"].values())
    assert re.search("[\u3040-\u9fff]", names)
    assert re.search("[\u0590-\u06ff]", names)
    assert {row["status"] for row in truth["balance_transaction"].values()} == {"available", "pending"}
    assert any(row["created"] is None for row in truth["account"].values())


def test_fractions_are_served_as_they_were_written(lived: Account, shown: Client) -> None:
    odd = next(row["id"] for row in lived.truth()["charge"].values() if "x_unreleased" in row)
    assert (
        '"rate":1.10,' in shown.get(f"/v1/charges/{odd}").text or '"rate":1.10}' in shown.get(f"/v1/charges/{odd}").text
    )
    lived.update("charge", odd, {"description": "edited"})
    assert '"rate":1.10}' in shown.get(f"/v1/charges/{odd}").text


def test_previous_attributes_of_a_vanished_field_are_kept() -> None:
    assert previous({"a": 1, "b": {"c": 1, "d": 2}}, {"b": {"c": 2, "d": 2}}) == {"a": 1, "b": {"c": 1}}
