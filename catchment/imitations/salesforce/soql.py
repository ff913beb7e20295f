"""The part of SOQL that is understood: a query's text becomes the names and the conditions that it asks for."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from catchment.imitations.salesforce import errors

LONGEST = 100_000
_TOKENS = re.compile(
    r"""\s*(?:
      (?P<when>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))
    | (?P<day>\d{4}-\d\d-\d\d)
    | (?P<number>[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    | (?P<text>'(?:[^'\\]|\\.)*')
    | (?P<word>[A-Za-z_][A-Za-z0-9_.]*)
    | (?P<sign><=|>=|!=|<>|=|<|>|\(|\)|,)
    )""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\", "_": "_", "%": "%"}
_SIGNS = ("=", "!=", "<>", "<", "<=", ">", ">=")
_ENDS = ("WHERE", "ORDER", "LIMIT", "OFFSET", "WITH", "GROUP", "FOR", "ALL", "USING")


@dataclass(frozen=True)
class Literal:
    """A value as it was written: `type` is when, day, number, text, boolean or null."""

    type: str
    value: Any


@dataclass(frozen=True)
class Compare:
    """One condition: a field, a sign (`in` and `not in` have several literals), what it is compared with."""

    field: str
    sign: str
    literals: tuple[Literal, ...]


@dataclass(frozen=True)
class Joined:
    """Conditions that hold all (`and`), or of which one holds (`or`), or of which the one does not (`not`)."""

    how: str
    parts: tuple["Compare | Joined", ...]


Condition = Compare | Joined


@dataclass(frozen=True)
class Order:
    """One field of ORDER BY."""

    field: str
    descending: bool
    nulls_first: bool


@dataclass(frozen=True)
class Query:
    """A query as it was written. `counts`: SELECT COUNT()."""

    text: str
    fields: tuple[str, ...]
    kind: str
    where: Condition | None = None
    order: tuple[Order, ...] = ()
    limit: int | None = None
    offset: int = 0
    counts: bool = False


def parse(text: str) -> Query:
    """The query in `text`; ApiError MALFORMED_QUERY when it is none that is understood here."""
    if len(text) > LONGEST:
        raise errors.malformed(f"SOQL statements cannot be longer than {LONGEST} characters.")
    return _Reader(text).query()


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[tuple[str, str]] = []
        self.place = 0
        at, end = 0, len(text.rstrip())
        while at < end:
            found = _TOKENS.match(text, at)
            if found is None:
                raise errors.malformed(f"unexpected token: '{text[at : at + 20].strip()}'")
            self.tokens.append((found.lastgroup or "", found[found.lastgroup or 0]))
            at = found.end()

    def query(self) -> Query:
        self.need("SELECT")
        fields, counts = self.selected()
        self.need("FROM")
        kind = self.word("an object's name")
        if self.kind == "word" and self.upper not in _ENDS:
            raise errors.malformed(f"unexpected token: '{self.now}'")
        where = self.either() if self.skip("WHERE") else None
        order: list[Order] = []
        if self.skip("ORDER"):
            self.need("BY")
            order.append(self.ordered())
            while self.skip(","):
                order.append(self.ordered())
        limit = self.count() if self.skip("LIMIT") else None
        offset = self.count() if self.skip("OFFSET") else 0
        if self.place < len(self.tokens):
            raise errors.malformed(f"unexpected token: '{self.now}'")
        if offset > 2_000:
            raise errors.ApiError(400, "NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is 2000")
        return Query(self.text, tuple(fields), kind, where, tuple(order), limit, offset, counts)

    def selected(self) -> tuple[list[str], bool]:
        names: list[str] = []
        while True:
            name = self.word("a field's name")
            if self.skip("("):
                if name.upper() == "COUNT" and self.skip(")") and not names and self.upper == "FROM":
                    return [], True
                if name.upper() != "FIELDS":
                    raise errors.malformed(f"unexpected token: '{name}('")
                name = f"FIELDS({self.word('ALL, STANDARD or CUSTOM').upper()})"
                self.need(")")
            names.append(name)
            if not self.skip(","):
                return names, False

    def either(self) -> Condition:
        parts = [self.both()]
        while self.skip("OR"):
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else Joined("or", tuple(parts))

    def both(self) -> Condition:
        parts = [self.single()]
        while self.skip("AND"):
            parts.append(self.single())
        return parts[0] if len(parts) == 1 else Joined("and", tuple(parts))

    def single(self) -> Condition:
        if self.skip("NOT"):
            return Joined("not", (self.single(),))
        if self.skip("("):
            inner = self.either()
            self.need(")")
            return inner
        field = self.word("a field's name")
        if self.skip("NOT"):
            self.need("IN")
            return Compare(field, "not in", self.listed())
        if self.skip("IN"):
            return Compare(field, "in", self.listed())
        sign = self.take()[1]
        if sign not in _SIGNS:
            raise errors.malformed(f"unexpected token: '{sign}'")
        return Compare(field, "!=" if sign == "<>" else sign, (self.literal(),))

    def listed(self) -> tuple[Literal, ...]:
        self.need("(")
        found = [self.literal()]
        while self.skip(","):
            found.append(self.literal())
        self.need(")")
        return tuple(found)

    def literal(self) -> Literal:
        sort, written = self.take()
        if sort == "text":
            return Literal("text", _unescaped(written[1:-1]))
        if sort == "number":
            return Literal("number", Decimal(written))
        if sort in ("when", "day"):
            return Literal(sort, written)
        word = written.upper()
        if sort == "word" and word in ("TRUE", "FALSE"):
            return Literal("boolean", word == "TRUE")
        if sort == "word" and word == "NULL":
            return Literal("null", None)
        raise errors.malformed(f"unexpected token: '{written}'")

    def ordered(self) -> Order:
        field = self.word("a field's name")
        descending = self.skip("DESC")
        if not descending:
            self.skip("ASC")
        nulls_first = True
        if self.skip("NULLS"):
            nulls_first = self.skip("FIRST")
            if not nulls_first:
                self.need("LAST")
        return Order(field, descending, nulls_first)

    def count(self) -> int:
        sort, written = self.take()
        if sort != "number" or not written.isdecimal():
            raise errors.malformed(f"unexpected token: '{written}'")
        return int(written)

    @property
    def kind(self) -> str:
        return self.tokens[self.place][0] if self.place < len(self.tokens) else ""

    @property
    def now(self) -> str:
        return self.tokens[self.place][1] if self.place < len(self.tokens) else "<EOF>"

    @property
    def upper(self) -> str:
        return self.now.upper()

    def take(self) -> tuple[str, str]:
        if self.place >= len(self.tokens):
            raise errors.malformed("unexpected token: '<EOF>'")
        self.place += 1
        return self.tokens[self.place - 1]

    def skip(self, word: str) -> bool:
        if self.place < len(self.tokens) and self.kind in ("word", "sign") and self.upper == word:
            self.place += 1
            return True
        return False

    def need(self, word: str) -> None:
        if not self.skip(word):
            raise errors.malformed(f"unexpected token: '{self.now}' (expecting {word})")

    def word(self, what: str) -> str:
        sort, written = self.take()
        if sort != "word":
            raise errors.malformed(f"unexpected token: '{written}' (expecting {what})")
        return written


def _unescaped(written: str) -> str:
    def letter(found: re.Match[str]) -> str:
        known = _ESCAPES.get(found[1])
        if known is None:
            raise errors.malformed(f"Illegal character sequence '\\{found[1]}' in string literal")
        return known

    return re.sub(r"\\(.)", letter, written, flags=re.DOTALL)
