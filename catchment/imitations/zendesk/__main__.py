"""`python -m catchment.imitations.zendesk`: serve an account until SIGTERM, for tests and benchmarks elsewhere."""

import argparse
import json
import signal
import threading

from catchment.imitations.zendesk.bulk import Bulk
from catchment.imitations.zendesk.control import Control
from catchment.imitations.zendesk.generator import generate
from catchment.imitations.zendesk.limits import GENERATIONS, Limits
from catchment.imitations.zendesk.resources import PER_MINUTE, PLANS
from catchment.imitations.zendesk.server import Server


def main() -> None:
    """Print one JSON line with `url`, the credentials and `control` when ready; stop on SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m catchment.imitations.zendesk")
    parser.add_argument("--objects", type=int, default=20_000, help="how many objects the account has")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--bulk", action="store_true", help="that many tickets, rendered on the fly: no memory")
    parser.add_argument("--subdomain", default="acme")
    parser.add_argument("--plan", choices=PLANS, default="enterprise")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0, help="milliseconds before each answer")
    parser.add_argument("--limit", type=int, default=None, help="calls per minute (default: what the plan has)")
    parser.add_argument("--minute", type=float, default=60.0, help="seconds that a minute of the limits lasts")
    parser.add_argument("--no-limits", action="store_true", help="enforce no limit at all")
    parser.add_argument("--headers", choices=GENERATIONS, default="all", help="which headers tell the limits")
    given = parser.parse_args()
    make = Bulk if given.bulk else generate
    account = make(given.seed, given.objects, subdomain=given.subdomain, plan=given.plan)
    most = None if given.no_limits else given.limit or PER_MINUTE[given.plan]
    limits = Limits(most, minute=given.minute, generation=given.headers)
    server = Server(account, limits=limits, latency=given.latency / 1_000, port=given.port)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    url, control = server.start(), Control(server).start()
    print(
        json.dumps({"url": url, **server.secrets(), "key": server.secrets()["api_token"], "control": control}),
        flush=True,
    )
    ended.wait()
    server.stop()


if __name__ == "__main__":
    main()
