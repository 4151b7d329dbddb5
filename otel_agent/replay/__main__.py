"""``python -m otel_agent.replay RUN --graph module:attribute``: the command ``otel-agent replay``."""

import sys

from otel_agent.cli.main import main

if __name__ == "__main__":
    sys.argv[1:1] = ["replay"]
    main()
