"""Calls whose result comes from outside and that no seam records: what they reach, and what to do about it."""

from __future__ import annotations

import ast
from collections.abc import Callable

_CLOCK, _CHANCE, _NETWORK = "the clock", "randomness", "the network"
_DATABASE, _FILES = "a database", "the file system"
_PROCESS, _THREADS, _ORDER, _ENVIRONMENT = "another process", "threads", "the order of a set", "the environment"
WRAP = "move it into a function of its own and decorate that with @otel_agent.effect"

ADVICE = {
    _THREADS: "start it with contextvars.copy_context().run, or its effects are not seen as this node's",
    _ORDER: "sort it: the order of strings in a set changes from process to process",
    _ENVIRONMENT: "fine where it is the same at replay; otherwise pass it in as input or context",
}

_EXACT = {
    _CLOCK: "time.time time.time_ns time.monotonic time.monotonic_ns time.perf_counter time.perf_counter_ns "
    "time.process_time time.localtime time.gmtime datetime.datetime.now datetime.datetime.utcnow "
    "datetime.datetime.today datetime.date.today",
    _CHANCE: "uuid.uuid1 uuid.uuid4 os.urandom os.getrandom",
    _FILES: "open io.open os.listdir os.scandir os.walk os.stat glob.glob",
    _PROCESS: "os.system os.popen os.getpid",
    _THREADS: "threading.Thread concurrent.futures.ThreadPoolExecutor _thread.start_new_thread",
    _ENVIRONMENT: "os.getenv os.environ.get",
}
_BEGINNINGS = {
    _CHANCE: "random. secrets. numpy.random.",
    _NETWORK: "requests. httpx. httpx2. aiohttp. urllib.request. urllib3. http.client. socket. smtplib. ftplib. boto3. "
    "websockets.",
    _DATABASE: "sqlite3.connect psycopg. psycopg2. asyncpg. redis. pymongo. sqlalchemy.",
    _PROCESS: "subprocess. multiprocessing. asyncio.create_subprocess",
    _FILES: "shutil. tempfile.",
}
_BY_NAME = {call: reaches for reaches, calls in _EXACT.items() for call in calls.split()}
_BY_BEGINNING = {start: reaches for reaches, starts in _BEGINNINGS.items() for start in starts.split()}
_METHODS = dict.fromkeys(["read_text", "read_bytes", "write_text", "write_bytes", "iterdir", "rglob"], _FILES)
"""Methods whose name alone says enough, whatever the object."""


def reached_by(node: ast.AST, name_of: Callable[[ast.expr], str]) -> tuple[str, str] | None:
    """(call, what it reaches) where evaluating ``node`` leaves the process or depends on the moment."""
    if isinstance(node, ast.Call):
        call = name_of(node.func)
        if reaches := _listed(call):
            return call, reaches
        if isinstance(node.func, ast.Attribute) and node.func.attr in _METHODS:
            return f".{node.func.attr}", _METHODS[node.func.attr]
    elif isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension)) and _is_set(node.iter):
        return "iterating over a set", _ORDER
    elif isinstance(node, ast.Subscript) and name_of(node.value) == "os.environ":
        return "os.environ", _ENVIRONMENT
    return None


def _listed(call: str) -> str | None:
    if call in _BY_NAME:
        return _BY_NAME[call]
    return next((reaches for start, reaches in _BY_BEGINNING.items() if call.startswith(start)), None)


def _is_set(iterated: ast.expr) -> bool:
    if isinstance(iterated, ast.Call) and isinstance(iterated.func, ast.Name):
        inner = iterated.args[0] if iterated.args else None
        if iterated.func.id in ("list", "tuple", "enumerate", "iter") and inner is not None:
            return _is_set(inner)
        return iterated.func.id in ("set", "frozenset")
    return isinstance(iterated, (ast.Set, ast.SetComp))
