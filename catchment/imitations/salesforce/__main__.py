"""`python -m catchment.imitations.salesforce`: serve an organisation until SIGTERM, for tests and benchmarks."""

import argparse
import json
import signal
import threading

from catchment.imitations.salesforce.assertions import key_pair
from catchment.imitations.salesforce.bulk import bulk
from catchment.imitations.salesforce.control import Control
from catchment.imitations.salesforce.generator import generate
from catchment.imitations.salesforce.server import App, Server


def main() -> None:
    """Print one JSON line with the URL, the credentials and `control` when ready; stop on SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m catchment.imitations.salesforce")
    parser.add_argument("--objects", type=int, default=2_000, help="how many records the organisation has")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--bulk", action="store_true", help="rows made from their number: any size, no memory")
    parser.add_argument("--mix", default="equal", help="equal, or the object that has all rows of a bulk organisation")
    parser.add_argument("--wide", type=int, default=0, help="custom text fields that Account gets in addition")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0, help="milliseconds before each answer")
    parser.add_argument("--daily", type=int, default=100_000, help="API calls allowed in 24 hours")
    parser.add_argument("--used", type=int, default=0, help="calls of the day that others have used")
    parser.add_argument("--lag", type=int, default=0, help="calls that Sforce-Limit-Info is behind")
    parser.add_argument("--rotate", action="store_true", help="each renewal replaces the refresh token")
    parser.add_argument("--jwt", action="store_true", help="make a key pair for the JWT bearer grant")
    parser.add_argument("--polls", type=int, default=2, help="looks at a bulk job until it is done")
    given = parser.parse_args()
    private, public = key_pair() if given.jwt else ("", "")
    app = App(rotates=given.rotate, public_key=public)
    server = Server(
        bulk(given.objects, given.seed, mix=given.mix)
        if given.bulk
        else generate(given.seed, given.objects, wide=given.wide),
        app,
        latency=given.latency / 1_000,
        daily=given.daily,
        used=given.used,
        lag=given.lag,
        port=given.port,
    )
    server.api.jobs.polls = given.polls
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    url, control = server.start(), Control(server).start()
    shown = {
        "url": url,
        "login_url": url,
        "instance_url": url,
        "client_id": app.client_id,
        "client_secret": app.client_secret,
        "refresh_token": app.refresh_token,
        "access_token": server.access_token,
        "username": app.username,
        "password": app.password,
        "security_token": app.security_token,
        "private_key": private,
        "organisation": server.org.id,
        "control": control,
    }
    print(json.dumps(shown), flush=True)
    ended.wait()
    server.stop()


if __name__ == "__main__":
    main()
