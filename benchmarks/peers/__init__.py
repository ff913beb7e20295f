"""The other contestants: dlt and a hand-written script, in an environment of their own that knows nothing of ours."""
