"""Watches a live run: the handler that lets every call through and writes it down."""
