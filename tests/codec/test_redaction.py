"""Secrets are in neither text nor digest; what stands in their place can be compared."""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage
from pydantic import BaseModel, SecretBytes, SecretStr

from otel_agent.codec import API_KEYS, DEFAULT_PATTERNS, EMAIL, NOTHING, Encoder, Redacted, Redactor
from otel_agent.codec.redact import Pattern
from tests.codec.kinds import Bag, Box, Name, Point, Run

QUICK = settings(max_examples=60, deadline=None, database=None)
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
BODY = st.text(alphabet=LETTERS, min_size=40, max_size=48)
KEYS = st.one_of(
    BODY.map(lambda body: "sk-" + body),
    BODY.map(lambda body: "sk-proj-" + body),
    BODY.map(lambda body: "ghp_" + body),
    BODY.map(lambda body: "xoxb-" + body),
    BODY.map(lambda body: "AIza" + body[:35]),
    BODY.map(lambda body: f"eyJ{body[:10]}.eyJ{body[10:20]}.{body}"),
    st.text(alphabet="ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=16, max_size=16).map(lambda body: "AKIA" + body),
)


class Settings(BaseModel):
    token: SecretStr
    raw: SecretBytes = SecretBytes(b"bytes that nobody sees")
    api_key: str = ""


PLACES = {
    "alone": lambda secret: secret,
    "in_a_sentence": lambda secret: f"use {secret}, please",
    "long": lambda secret: "x " * 500 + secret + " y" * 500,
    "message": lambda secret: HumanMessage(f"my key is {secret}"),
    "tool_call": lambda secret: AIMessage("", tool_calls=[{"name": "f", "args": {"k": secret}, "id": "1"}]),
    "exception": lambda secret: ValueError(f"401 for {secret}", {"detail": secret}),
    "attribute_of_exception": lambda secret: _with_body([secret]),
    "key_of_a_dict": lambda secret: {secret: 1},
    "key_of_a_map": lambda secret: {1: 2, secret: 3},
    "set": lambda secret: {secret},
    "dataclass": lambda secret: Box({"a": [secret]}),
    "namedtuple": Point,
    "subclass": lambda secret: [Name(secret), Bag(a=secret)],
    "bytes": lambda secret: secret.encode(),
    "repr": lambda secret: (_Shown(secret), 1),
    "regex": re.compile,
    "under_a_key": lambda secret: {"password": secret[3:], "headers": {"Authorization": ("Basic", secret[3:])}},
    "secret_str": lambda secret: Settings(token=SecretStr(secret), api_key=secret[4:]),
    "pairs": lambda secret: {1: 2, "api_key": secret[3:]},
}


class _Shown:
    def __init__(self, secret: str) -> None:
        self.secret = secret

    def __repr__(self) -> str:
        return f"<client with {self.secret}>"


def _with_body(secrets: list[str]) -> Exception:
    error = RuntimeError("no")
    error.body = {"headers": [f"Bearer {secret}" for secret in secrets]}
    return error


@pytest.mark.parametrize("place", PLACES)
@settings(max_examples=15, deadline=None, database=None)
@given(secret=KEYS)
def test_no_secret_leaves(place: str, secret: str) -> None:
    """An API key does not stand in the text, wherever it stood in the value; and it is counted."""
    value = PLACES[place](secret)
    encoded = Encoder().encode(value)
    assert encoded.text is not None

    assert secret not in encoded.text
    assert secret[5:25] not in encoded.text
    assert encoded.redacted or encoded.opaque
    assert encoded.digest != Encoder(NOTHING).encode(value).digest


@QUICK
@given(st.text(max_size=300), KEYS, st.text(max_size=300))
def test_only_the_match_is_replaced(before: str, secret: str, after: str) -> None:
    """The text around a secret is kept."""
    found, count = Redactor().redact(f"{before} {secret} {after}")

    assert secret not in found
    assert count >= 1
    assert found.startswith(before[:0])
    assert "[redacted:" in found


@QUICK
@given(st.text(max_size=200))
def test_other_texts_are_left_alone(text: str) -> None:
    """A text without a secret is the same object afterwards."""
    if not API_KEYS.regex.search(text) and "earer" not in text and "asic" not in text:
        assert Redactor().redact(text) == (text, 0)


INNOCENT = ["input_tokens", "max_tokens", "total_tokens", "token_usage", "secretary", "keys", "passwords", "author"]
SECRET = ["api_key", "API-KEY", "x-api-key", "Authorization", "password", "client_secret", "Set-Cookie", "my_api_key"]


@pytest.mark.parametrize("key", INNOCENT)
def test_innocent_keys(key: str) -> None:
    """Keys that merely look alike are not secret."""
    assert not Redactor().is_secret_key(key)


@pytest.mark.parametrize("key", SECRET)
def test_secret_keys(key: str) -> None:
    """Known names of secrets are found in any case, with hyphens or underscores."""
    assert Redactor().is_secret_key(key)


def test_values_under_secret_keys() -> None:
    """The whole value is replaced, whatever it is, and comes back as an inert commitment; None and bools stay."""
    run = Run(Encoder(Redactor(key=b"k")))
    encoded = run.write({"password": "hunter2", "secret": {"a": [1]}, "api_key": None, "cookie": False})
    found = run.read()

    assert encoded.redacted == 2
    assert found["password"] == Redacted("key", hmac.new(b"k", b"hunter2", hashlib.sha256).hexdigest())
    assert isinstance(found["secret"], Redacted)
    assert (found["api_key"], found["cookie"]) == (None, False)


def test_the_same_secret_has_the_same_marker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under one key equal secrets have equal markers; under another key they differ; the environment gives the key."""
    secret = "sk-" + "a" * 30
    expected = hmac.new(b"k", secret.encode(), hashlib.sha256).hexdigest()[:12]

    assert Redactor(key=b"k").redact_text(secret) == f"[redacted:api_key:{expected}]"
    assert Redactor(key=b"j").redact_text(secret) != Redactor(key=b"k").redact_text(secret)
    monkeypatch.setenv("OTEL_AGENT_REDACTION_KEY", "k")
    assert Redactor().redact_text(secret) == f"[redacted:api_key:{expected}]"


def test_redactions_are_counted_where_they_are_referred_to() -> None:
    """A payload that only refers to a redacted value says so too."""
    encoder = Encoder()
    message = HumanMessage("the key is sk-" + "a" * 30 + " and a long text after it" * 20)

    assert [encoder.encode(value).redacted for value in (message, [message], {"m": [message, 1]})] == [1, 1, 1]


def test_emails_are_replaced_where_asked_for() -> None:
    """E-mail addresses stay by default and are replaced on request."""
    text = "write to ann@example.org today"

    assert Redactor().redact_text(text) == text
    assert "ann@" not in Redactor(patterns=(*DEFAULT_PATTERNS, EMAIL)).redact_text(text)


def test_own_patterns() -> None:
    """A pattern of the application's own finds short strings too."""
    redactor = Redactor(patterns=[Pattern("pin", re.compile(r"\b\d{4}\b"), ())])
    value: Any = {"a": "1234", "b": ["pin 9999"]}
    encoded = Encoder(redactor).encode(value)

    assert encoded.redacted == 2
    assert "1234" not in str(encoded.text)


def test_words_with_hyphens_are_no_keys() -> None:
    """A compound such as task-oriented is not taken for a key."""
    text = "a task-oriented-dialogue-system and risk-adjusted-return-on-capital"

    assert Redactor().redact_text(text) == text
