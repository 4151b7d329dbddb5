"""Deterministic replay: the application's real graph again, every effect answered from the record."""
