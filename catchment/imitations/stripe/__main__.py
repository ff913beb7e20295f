"""`python -m catchment.imitations.stripe`: serve an account until SIGTERM, for tests and benchmarks elsewhere."""

import argparse
import json
import signal
import threading

from catchment.imitations.stripe.account import Account
from catchment.imitations.stripe.bulk import Bulk, bulk
from catchment.imitations.stripe.control import Control
from catchment.imitations.stripe.generator import generate
from catchment.imitations.stripe.server import DEFAULT_KEY, Server


def main() -> None:
    """Print one JSON line with `url`, `key` and `control` when ready; stop on SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m catchment.imitations.stripe")
    parser.add_argument("--objects", type=int, default=20_000, help="how many objects the account has")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--bulk", action="store_true", help="rows rendered from their number: any size, no memory")
    parser.add_argument("--mix", choices=("equal", "charges"), default="equal", help="shares of a bulk account")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0, help="milliseconds before each answer")
    parser.add_argument("--limit", type=int, default=None, help="calls per second before 429")
    parser.add_argument("--endpoint-limit", type=int, default=None, help="calls per second and endpoint before 429")
    parser.add_argument("--key", default=DEFAULT_KEY)
    given = parser.parse_args()
    livemode = given.key.startswith(("sk_live_", "rk_live_"))
    account: Account | Bulk = (
        bulk(given.objects, given.seed, mix=given.mix)
        if given.bulk
        else generate(given.seed, given.objects, livemode=livemode)
    )
    server = Server(
        account,
        given.key,
        latency=given.latency / 1_000,
        limit_per_second=given.limit,
        limit_per_endpoint=given.endpoint_limit,
        port=given.port,
    )
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    url, control = server.start(), Control(server, account).start()
    print(json.dumps({"url": url, "key": server.key, "control": control, "account": account.id}), flush=True)
    ended.wait()
    server.stop()


if __name__ == "__main__":
    main()
