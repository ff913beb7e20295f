"""The vendor's own clock, under the name by which this imitation knows it."""

from catchment.imitations.clock import DAY, Clock

__all__ = ["DAY", "Clock"]
