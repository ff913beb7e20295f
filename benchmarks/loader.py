"""What the loader alone costs: decode, columns and commit of charge-like pages, in CPU seconds per 100,000 objects."""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from pathlib import Path

from framework.collection import Collection, Column
from framework.sight import Sight
from framework.warehouse import Commit
from warehouse_loader import open_warehouse

PER_PAGE, PER_PACK = 100, 10
TEXTS = ("object", "currency", "customer", "description", "failure_code", "failure_message", "invoice", "status")
MORE = ("payment_intent", "payment_method", "receipt_email", "receipt_number", "receipt_url", "statement_descriptor")
NUMBERS = ("amount", "amount_captured", "amount_refunded", "application_fee_amount")
FLAGS = ("captured", "disputed", "livemode", "paid", "refunded")
DETAILS = (
    "fraud_details",
    "metadata",
    "outcome",
    "payment_method_details",
    "radar_options",
    "refunds",
    "transfer_data",
)
ADDRESS = ("city", "country", "line1", "line2", "postal_code", "state")


def collection() -> Collection:
    columns = [Column("id", "text"), Column("created", "timestamptz")]
    columns += [Column(name, "text") for name in (*TEXTS, *MORE, "balance_transaction", "application", "on_behalf_of")]
    columns += [Column(name, "bigint") for name in NUMBERS] + [Column(name, "bool") for name in FLAGS]
    columns += [Column(name, "json") for name in DETAILS]
    for prefix, field in (("billing", "billing_details"), ("shipping", "shipping")):
        columns += [Column(f"{prefix}_address_{one}", "text", "", (field, "address", one)) for one in ADDRESS]
        columns += [Column(f"{prefix}_{one}", "text", "", (field, one)) for one in ("name", "phone")]
    return Collection("charges", columns=tuple(columns))


def page(start: int, changed: int) -> bytes:
    return json.dumps([charge(at, changed) for at in range(start, start + PER_PAGE)], separators=(",", ":")).encode()


def charge(at: int, changed: int) -> dict[str, object]:
    address = {
        "city": "Lyon",
        "country": "FR",
        "line1": f"{at % 300} rue Montesquieu",
        "line2": None,
        "postal_code": f"{69000 + at % 9}",
        "state": None,
    }
    return {
        "id": f"ch_3P{at:019d}",
        "object": "charge",
        "amount": 1000 + at * 7 % 90000,
        "amount_captured": 1000 + at * 7 % 90000,
        "amount_refunded": 0,
        "application": None,
        "application_fee_amount": None,
        "balance_transaction": f"txn_3P{at:019d}",
        "billing_details": {"address": address, "name": f"Ada Lovelace {at}", "phone": None},
        "captured": True,
        "created": 1700000000 + at,
        "currency": "eur",
        "customer": f"cus_{at % 7000:014d}",
        "description": f"Order {at} at the shop of {at % 97}",
        "disputed": False,
        "failure_code": None,
        "failure_message": None,
        "fraud_details": {},
        "invoice": None,
        "livemode": False,
        "metadata": {"order": str(at), "channel": "web", "changed": str(changed)},
        "on_behalf_of": None,
        "outcome": {
            "network_status": "approved_by_network",
            "reason": None,
            "risk_level": "normal",
            "risk_score": at % 99,
            "seller_message": "Payment complete.",
            "type": "authorized",
        },
        "paid": True,
        "payment_intent": f"pi_3P{at:019d}",
        "payment_method": f"pm_1P{at:019d}",
        "payment_method_details": {
            "card": {
                "brand": "visa",
                "checks": {"address_line1_check": "pass", "address_postal_code_check": None, "cvc_check": "pass"},
                "country": "FR",
                "exp_month": 1 + at % 12,
                "exp_year": 2030,
                "fingerprint": f"fp{at % 5000:012d}",
                "funding": "credit",
                "installments": None,
                "last4": f"{at % 10000:04d}",
                "network": "visa",
                "three_d_secure": None,
                "wallet": None,
            },
            "type": "card",
        },
        "radar_options": {},
        "receipt_email": f"ada.{at}@example.com",
        "receipt_number": None,
        "receipt_url": f"https://pay.example.com/receipts/payment/CAcaFwoVYWNjdF8x{at:024d}",
        "refunded": False,
        "refunds": {"object": "list", "data": [], "has_more": False, "url": f"/v1/charges/ch_3P{at:019d}/refunds"},
        "shipping": {"address": address, "name": f"Ada Lovelace {at}", "phone": None},
        "statement_descriptor": None,
        "status": "succeeded",
        "transfer_data": None,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--commit", type=int, default=20_000, help="rows per commit")
    parser.add_argument("--again", action="store_true", help="then read everything again, all rows newer")
    parser.add_argument("--changed", action="store_true", help="and one column changed in each")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        warehouse = open_warehouse(f"duckdb:///{place}/w.duckdb", "shop", [collection()], scratch=place / "scratch")
        load(warehouse, args.rows, args.commit, version=1)
        if args.again or args.changed:
            load(warehouse, args.rows, args.commit, version=2, changed=int(args.changed))
        print(f"file {Path(place, 'w.duckdb').stat().st_size / 1e6:.0f} MB", file=sys.stderr)


def load(warehouse, rows: int, per_commit: int, version: int, changed: int = 0) -> None:  # type: ignore[no-untyped-def]
    codec, pages, size, spent = warehouse.codec(), [], 0, {"decode": 0.0, "columns": 0.0, "commit": 0.0}
    packed, pending = [], 0

    def timed(stage: str, began: float) -> None:
        spent[stage] += time.process_time() - began

    for start in range(0, rows, PER_PAGE):
        data = page(start, changed)
        size += len(data)
        began = time.process_time()
        pages.append(codec.decode(Sight("charges", data, version)))
        timed("decode", began)
        if len(pages) == PER_PACK:
            began = time.process_time()
            packed.append(codec.pack(pages))
            pages, pending = [], pending + PER_PACK * PER_PAGE
            timed("columns", began)
        if pending >= per_commit or start + PER_PAGE >= rows:
            began = time.process_time()
            done = warehouse.commit(Commit(decoded=[*packed, *pages]))
            packed, pages, pending = [], [], 0
            timed("commit", began)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    per = {stage: round(seconds * 100_000 / rows, 3) for stage, seconds in spent.items()}
    print(
        f"{rows} rows of {size / rows:.0f} B, CPU-s/100k: {per} sum {sum(per.values()):.2f}, peak {peak:.0f} MB",
        done.counts,
    )


if __name__ == "__main__":
    main()
