"""The tests of Catchment; helpers are imported as `tests.<module>`."""
