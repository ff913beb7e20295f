"""The layouts of a source's collections, shared by the threads that decode and the one that commits."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from framework.collection import Child, Collection
from warehouse_loader.lattice import Kind, join
from warehouse_loader.layout import Layout, Leaf, declared


class Registry:
    """Collection -> its layout now. Layouts only ever grow.

    ``carriers`` are read for their lists' sake alone: their own objects become no rows. ``ended``: (collection,
    carrier) -> the version at which this run last saw the list of one of them whole, for no row tells.
    """

    def __init__(self, collections: Sequence[Collection], carriers: Sequence[Collection] = ()) -> None:
        self._lock = threading.RLock()
        self.ended: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
        self.collections: Mapping[str, Collection] = {one.name: one for one in collections}
        self._all = (*collections, *carriers)
        self._layouts = {one.name: self._first(one) for one in self._all}

    def _first(self, collection: Collection) -> Layout:
        links = [child.parent for _, child in self.parents(collection.name)]
        read = tuple(child for child in collection.children if set(child.collections()) & set(self.collections))
        return Layout(collection, declared(collection, links), read)

    def parents(self, name: str) -> list[tuple[Collection, Child]]:
        """The collections whose objects carry lists of this one, with the lists."""
        return [(parent, child) for parent in self._all for child in parent.children if name in child.collections()]

    def __getitem__(self, name: str) -> Layout:
        return self._layouts[name]

    def now(self) -> dict[str, Layout]:
        """All layouts as they are now; what is learned later changes none of these."""
        with self._lock:
            return dict(self._layouts)

    def __contains__(self, name: str) -> bool:
        """Whether the objects of this collection become rows."""
        return name in self.collections

    def learn(self, name: str, lesson: Callable[[Layout], Layout]) -> Layout:
        """Replace a layout by what a lesson makes of it; lessons come one at a time."""
        with self._lock:
            self._layouts[name] = layout = lesson(self._layouts[name])
            return layout

    def widen(self, name: str, kinds: Mapping[str, Kind]) -> None:
        """Columns needed wider types than their layout had."""
        if kinds:
            self.learn(name, lambda layout: wider(layout, kinds))

    def recall(self, name: str, known: Sequence[Leaf], actual: Mapping[str, Kind]) -> None:
        """What earlier runs learned: columns that nobody declared, and the types that the table has."""

        def lesson(layout: Layout) -> Layout:
            paths = {leaf.path for leaf in layout.leaves}
            news = [leaf for leaf in known if leaf.path not in paths and leaf.name not in layout.by_name]
            return wider(replace(layout, leaves=(*layout.leaves, *news)), actual)

        if name in self:
            self.learn(name, lesson)


def wider(layout: Layout, kinds: Mapping[str, Kind]) -> Layout:
    """The layout with columns as wide as these."""
    leaves = tuple(_grown(leaf, kinds.get(leaf.name, leaf.kind)) for leaf in layout.leaves)
    return layout if leaves == layout.leaves else replace(layout, leaves=leaves)


def _grown(leaf: Leaf, kind: Kind) -> Leaf:
    wider = join(leaf.kind, kind)
    return leaf if wider == leaf.kind else replace(leaf, kind=wider, loose=leaf.loose or leaf.kind != "null")
