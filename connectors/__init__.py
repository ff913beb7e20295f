"""One package per app: what Catchment knows about it, as declarations."""
