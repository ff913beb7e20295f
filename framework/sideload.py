"""What a page shows beside its rows, put into the row that it belongs to, as if it had been shown there."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from framework import page


@dataclass(frozen=True, slots=True)
class Beside:
    """One object for each row in a list of its own: ``at`` names the list, ``owner`` the field of its members that
    holds the row's key, ``into`` the field of the row that gets the member.
    """

    at: str
    owner: str
    into: str


def embed(body: bytes, at: str, key: str, beside: Beside) -> bytes | None:
    """The rows (the list ``at``) with what is shown beside them; None when the page has no such list.

    Raises msgspec.DecodeError for a page that is none.
    """
    if b'"' + beside.at.encode() + b'"' not in body:
        return None
    shown = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    if beside.at not in shown:
        return None
    members = {_field(one, beside.owner): one for one in page.RAWS.decode(shown[beside.at])}
    members.pop(b"", None)
    return page.array([_with(row, beside.into, members.get(_field(row, key))) for row in page.RAWS.decode(shown[at])])


def _field(raw: msgspec.Raw, name: str) -> bytes:
    try:
        return bytes(msgspec.json.decode(raw, type=dict[str, msgspec.Raw]).get(name, b"")).strip(b'"')
    except msgspec.ValidationError:
        return b""


def _with(row: msgspec.Raw, name: str, member: msgspec.Raw | None) -> msgspec.Raw:
    """The row with a field put before its own, which stays the last word."""
    if member is None:
        return row
    rest = bytes(row).lstrip()[1:].lstrip()
    given = b'{"' + name.encode() + b'":' + bytes(member)
    return msgspec.Raw(given + (b"" if rest.startswith(b"}") else b",") + rest)
