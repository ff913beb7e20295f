"""Record ids as the vendor makes them: a prefix per object, a number in base 62, and three letters of checksum."""

from functools import lru_cache

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PAIRS = [first + second for first in _DIGITS for second in _DIGITS]
_SUMS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_PLACE = {letter: number for number, letter in enumerate(_DIGITS)}
POD = "8d00"


def checksum(short: str) -> str:
    """The three letters that make 15 case-sensitive letters safe where case is lost."""
    return _sum(short[:5]) + _sum(short[5:10]) + _sum(short[10:15])


@lru_cache(maxsize=65_536)
def _sum(five: str) -> str:
    return _SUMS[sum(1 << place for place, letter in enumerate(five) if letter.isupper())]


def record_id(prefix: str, number: int) -> str:
    """The 18-letter id of record `number` of the object with this prefix."""
    number, d = divmod(number, 3_844)
    number, c = divmod(number, 3_844)
    a, b = divmod(number, 3_844)
    short = f"{prefix}{POD}{_PAIRS[a]}{_PAIRS[b]}{_PAIRS[c]}{_PAIRS[d]}"
    return short + checksum(short)


def number_of(whole: str) -> int:
    """The number in an id made by `record_id`."""
    number = 0
    for letter in whole[7:15]:
        number = number * 62 + _PLACE[letter]
    return number


def whole_id(given: str) -> str:
    """An id of 15 or 18 letters as one of 18; anything else as it is."""
    return given + checksum(given) if len(given) == 15 and given.isalnum() else given
