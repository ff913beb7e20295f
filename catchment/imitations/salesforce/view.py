"""What one user sees of an organisation: objects and fields that are not hidden, and the records that match."""

import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from catchment.imitations.salesforce import errors, predicate, soql
from catchment.imitations.salesforce.fields import LONG, Field
from catchment.imitations.salesforce.kinds import Kind
from catchment.imitations.salesforce.numbered import Numbered
from catchment.imitations.salesforce.organisation import Organisation
from catchment.imitations.salesforce.table import Values


@dataclass
class User:
    """Who asks. `hidden`: objects (`Contract`) and fields (`Account.Description`) that this user may not see."""

    id: str
    username: str
    hidden: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Selection:
    """A query with its names resolved."""

    query: soql.Query
    kind: Kind
    fields: tuple[Field, ...]
    visible: dict[str, Field]
    matches: predicate.Predicate
    deleted: bool

    @property
    def long(self) -> bool:
        """Whether long text is selected, which halves the pages."""
        return any(one.length > LONG for one in self.fields)


class View:
    """An organisation through the eyes of a user."""

    def __init__(self, org: Organisation, user: User) -> None:
        self.org = org
        self.user = user

    def kinds(self) -> Iterator[Kind]:
        """The objects that the user sees."""
        return (kind for kind in list(self.org.kinds.values()) if kind.name not in self.user.hidden)

    def kind(self, name: str) -> Kind | None:
        """An object by name, if the user sees it."""
        found = self.org.kind(name)
        return None if found is None or found.name in self.user.hidden else found

    def fields(self, kind: Kind) -> tuple[Field, ...]:
        """The fields of an object that the user sees."""
        hidden: Collection[str] = self.user.hidden
        return tuple(one for one in kind.fields if f"{kind.name}.{one.name}" not in hidden)

    def select(self, text: str, *, deleted: bool) -> Selection:
        """The query in `text`, ready to be run; ApiError for names that the user does not see."""
        query = soql.parse(text)
        kind = self.kind(query.kind)
        if kind is None:
            raise errors.unknown_type(query.kind, text)
        if not kind.queryable:
            raise errors.ApiError(400, "INVALID_TYPE_FOR_OPERATION", f"entity type {kind.name} does not support query")
        fields = self.fields(kind)
        visible = {one.name.lower(): one for one in fields}
        if kind.must and not _narrowed(query.where, kind.must):
            raise errors.malformed(
                f"Implementation restriction: {kind.name} requires a filter by a single Id on {' or '.join(kind.must)} "
                "using the equals operator or multiple Id's using the IN operator."
            )
        return Selection(
            query,
            kind,
            _named(query, kind, visible),
            visible,
            predicate.compiled(query.where, kind, visible, text),
            deleted,
        )

    def rows(self, selection: Selection) -> Sequence[Values]:
        """The records that a query finds now. Without ORDER BY their order is nobody's business."""
        table = self.org.tables[selection.kind.name]
        query = selection.query
        archives = selection.kind.archives and not selection.deleted
        end = None if query.limit is None else query.offset + query.limit

        def keep(row: Values) -> bool:
            return (
                (selection.deleted or not row.get("IsDeleted"))
                and not (archives and row.get("IsArchived"))
                and selection.matches(row)
            )

        source: Iterable[Values] = ()
        if isinstance(table, Numbered):
            low, high, exact = predicate.span(query.where, "SystemModstamp")
            some = table.between(low, high, keep)
            if exact and not query.order:
                return some[query.offset : end]
            source = some
        else:
            source = table.rows()
        found = [row for row in source if keep(row)]
        found.sort(key=lambda row: zlib.crc32(row["Id"].encode()))
        found = predicate.sort(found, query.order, selection.kind, selection.visible)
        return found[query.offset : end]


def _named(query: soql.Query, kind: Kind, visible: dict[str, Field]) -> tuple[Field, ...]:
    found: list[Field] = []
    for name in query.fields:
        if name.startswith("FIELDS("):
            found.extend(_group(name, query, visible))
            continue
        one = visible.get(name.lower())
        if one is None:
            raise errors.unknown_field(name, kind.name, query.text)
        found.append(one)
    names = [one.name for one in found]
    twice = next((name for name in names if names.count(name) > 1), None) if len(set(names)) < len(names) else None
    if twice is not None:
        raise errors.bad_filter(f"duplicate field selected: {twice}")
    return tuple(found)


def _group(name: str, query: soql.Query, visible: dict[str, Field]) -> list[Field]:
    which = name[len("FIELDS(") : -1]
    if which not in ("ALL", "STANDARD", "CUSTOM"):
        raise errors.malformed(f"unexpected token: '{which}'")
    if which != "STANDARD" and (query.limit is None or query.limit > 200):
        raise errors.malformed("The SOQL FIELDS function must have a LIMIT of at most 200")
    return [one for one in visible.values() if which == "ALL" or one.custom == (which == "CUSTOM")]


def _narrowed(where: soql.Condition | None, must: tuple[str, ...]) -> bool:
    if isinstance(where, soql.Compare):
        return where.sign in ("=", "in") and where.field.lower() in {name.lower() for name in must}
    return isinstance(where, soql.Joined) and where.how == "and" and any(_narrowed(part, must) for part in where.parts)
