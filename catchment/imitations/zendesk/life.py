"""`live`: an account goes on; every step is one thing that happens at a support desk."""

import random
from collections import Counter

from catchment.imitations.zendesk.account import Account
from catchment.imitations.zendesk.acts import ACTS
from catchment.imitations.zendesk.changes import CHANGES
from catchment.imitations.zendesk.desk import Desk

_ACTIONS = (*ACTS, *CHANGES)


def live(account: Account, seed: int, steps: int, *, pace: float = 1.0) -> Counter[str]:
    """Let `steps` things happen, `pace` seconds of vendor time apart; returns how often each happened.

    The first steps run once through everything there is, in random order, so that a few dozen steps show it all.
    A thing that finds nothing to happen to (no deleted ticket to restore) is replaced by another.
    """
    with account.lock:
        desk = Desk(account)
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
            if act(desk, rng, account.clock.second()):
                done[act.__name__] += 1
        account.clock.move(pace)
    return done
