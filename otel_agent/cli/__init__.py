"""The command ``otel-agent``: one file per command."""
