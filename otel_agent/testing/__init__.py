"""Traces as tests: helpers for the application's own test suite. Public."""
