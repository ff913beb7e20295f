"""What a connector is, and the engine that runs one. Imports nothing else of Catchment."""
