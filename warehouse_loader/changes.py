"""What a commit changes of a schema, told by what the catalog said before it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from framework import remedy
from framework.collection import Collection as Shape
from framework.remedy import Change
from warehouse_loader.lattice import Kind
from warehouse_loader.layout import Layout, Leaf
from warehouse_loader.naming import column_name, original


def found(
    layouts: Sequence[Layout],
    before: Mapping[str, Mapping[str, Kind]],
    made: Collection[str],
    there: Mapping[str, Collection[str]],
    told: Sequence[Change],
    met: Mapping[str, Collection[str]],
) -> Iterator[Change]:
    """The changes from the columns noted ``before`` to those of the layouts, and those that were ``told``.

    Tables and columns may be added apart from the transaction, what is noted of them never is: so each change is found
    once, whatever was killed or tried again between. ``made``: tables made since. ``there``: the columns that tables
    have, of those that the commit writes. ``met``: undeclared fields that stored rows may lack. A column that was told
    of is not told of twice; of a table of which nothing was noted, nothing is known to have changed.
    """
    spoken = {(one.collection, one.column) for one in told}
    for layout in layouts:
        name = layout.collection.name
        if name in made:
            yield remedy.created(name, len(layout.columns))
        elif known := before.get(name):
            for leaf in layout.columns:
                if (name, leaf.name) not in spoken:
                    yield from _of(layout.collection, leaf, known.get(leaf.name), there.get(name), met.get(name, ()))
    yield from told


def _of(
    of: Shape, leaf: Leaf, known: Kind | None, there: Collection[str] | None, met: Collection[str]
) -> Iterator[Change]:
    name, event = of.name, of.kind == "event"
    if known is not None:
        if known != leaf.kind:
            yield remedy.widened(name, leaf.name, known, leaf.kind)
        return
    wanted = leaf.name if leaf.declared else column_name([str(part) for part in leaf.path], ())
    if wanted != leaf.name:
        yield remedy.renamed(name, wanted, leaf.name, event=event, met=original(leaf.path) in met)
    else:
        room, asked = there is None or leaf.name in there, original(leaf.path) in met
        yield remedy.appeared(name, leaf.name, leaf.kind, room=room, event=event, met=asked)
