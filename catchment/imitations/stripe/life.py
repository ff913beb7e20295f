"""`live`: an account goes on; every step is one thing that happens in a business."""

import random
from collections import Counter

from catchment.imitations.stripe.account import Account
from catchment.imitations.stripe.changes import CHANGES
from catchment.imitations.stripe.deeds import DEEDS
from catchment.imitations.stripe.shop import Shop

_ACTIONS = (*DEEDS, *CHANGES)


def live(account: Account, seed: int, steps: int, *, pace: float = 1.0) -> Counter[str]:
    """Let `steps` things happen, `pace` seconds of vendor time apart; returns how often each happened.

    The first steps run once through everything there is, in random order, so that a few dozen steps show it all.
    A thing that finds nothing to happen to (no open invoice to pay) is replaced by another.
    """
    shop = Shop.of(account)
    rng = random.Random(seed)
    done: Counter[str] = Counter()
    waiting: list[int] = []
    while done.total() < steps:
        if not waiting:
            waiting = list(range(len(_ACTIONS)))
            rng.shuffle(waiting)
        act = _ACTIONS[waiting.pop()]
        with account.lock:
            account.settle()
            if act(shop, rng, account.clock.second()):
                done[act.__name__] += 1
        account.clock.move(pace)
    return done
