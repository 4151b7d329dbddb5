"""Finding the user's graph: ``module:attribute``."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

from otel_agent.errors import ConfigurationError

_FORM = "give it as module:attribute, such as my_app:graph or my_app.agent:build()"


def load_graph(path: str) -> Any:
    """Import ``module`` from here or the environment and take ``attribute``; ``attribute()`` is called.

    Raises:
        ConfigurationError: Says which part of the path does not lead anywhere.

    """
    module_name, colon, attribute = path.partition(":")
    if not (module_name and colon and attribute):
        raise ConfigurationError(f"--graph {path!r} is not a path to a graph: {_FORM}")
    called = attribute.endswith("()")
    found = _attribute(_module(module_name, path), attribute.removesuffix("()"), path)
    graph = _call(found, path) if called else found
    if not hasattr(graph, "invoke"):
        advice = f"did you mean {path}()?" if callable(graph) and not called else "name a compiled graph"
        raise ConfigurationError(f"--graph {path!r} is a {type(graph).__name__}, which cannot be invoked: {advice}")
    return graph


def _module(name: str, path: str) -> Any:
    here = os.getcwd()
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            message = f"--graph {path!r}: there is no module {error.name!r} here ({here}) or in this environment"
            raise ConfigurationError(f"{message}; run the command from the directory that holds it") from error
        raise _failed(path, error) from error
    except Exception as error:
        raise _failed(path, error) from error


def _attribute(module: Any, attribute: str, path: str) -> Any:
    found = module
    for part in attribute.split("."):
        if not hasattr(found, part):
            graphs = [name for name, held in vars(module).items() if hasattr(held, "get_subgraphs")]
            instead = f"; it holds the graphs {', '.join(graphs)}" if graphs else ""
            raise ConfigurationError(f"--graph {path!r}: {module.__name__} has no {attribute!r}{instead}")
        found = getattr(found, part)
    return found


def _call(factory: Any, path: str) -> Any:
    try:
        return factory()
    except Exception as error:
        raise _failed(path, error) from error


def _failed(path: str, error: Exception) -> ConfigurationError:
    what = f"{type(error).__name__}: {error} ({_last_line(error)})"
    return ConfigurationError(f"--graph {path!r} failed while it was loaded: {what}; --debug shows the traceback")


def _last_line(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else "no traceback"
