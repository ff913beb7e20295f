"""Measurements: Catchment beside dlt and a hand-written script, on one machine, in the same rounds."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
