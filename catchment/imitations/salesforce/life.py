"""`live`: an organisation goes on; every step is one thing that happens in it."""

import random
from collections import Counter
from collections.abc import Iterable

from catchment.imitations.salesforce.deeds import DEEDS
from catchment.imitations.salesforce.organisation import Organisation
from catchment.imitations.salesforce.reform import REFORMS

DEED_NAMES = tuple(deed.__name__ for deed in (*DEEDS, *REFORMS))


def live(org: Organisation, seed: int, steps: int, *, pace: float = 1.0, without: Iterable[str] = ()) -> Counter[str]:
    """Let `steps` things happen, `pace` seconds of vendor time apart; returns how often each happened.

    The first steps run once through everything there is, in random order. `without`: names of deeds that shall not
    happen. What finds nothing to happen to is replaced by something else.
    """
    spared = set(without)
    if unknown := spared - set(DEED_NAMES):
        raise ValueError(f"no deed {', '.join(sorted(unknown))}: one of {', '.join(DEED_NAMES)}")
    deeds = [deed for deed in (*DEEDS, *REFORMS) if deed.__name__ not in spared]
    rng = random.Random(seed)
    done: Counter[str] = Counter()
    waiting: list[int] = []
    while done.total() < steps:
        if not waiting:
            waiting = list(range(len(deeds)))
            rng.shuffle(waiting)
        deed = deeds[waiting.pop()]
        with org.lock:
            org.settle()
            if deed(org, rng):
                done[deed.__name__] += 1
        org.clock.move(pace)
    return done
