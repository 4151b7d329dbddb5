"""``python -m otel_agent.cli``: the command ``otel-agent``."""

from otel_agent.cli.main import main

if __name__ == "__main__":
    main()
