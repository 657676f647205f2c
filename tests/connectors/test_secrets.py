"""A plant file names where a secret is; it never holds one, and no message shows one."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.errors import ReadError
from connectors.models import Source
from connectors.secrets import Secret, in_the_open, resolved


def test_each_place_gives_its_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PI_TOKEN", "from env")
    (tmp_path / "token").write_text("from file\n")
    settings = {
        "user": "reader", "a": Secret(env="PI_TOKEN"), "b": Secret(file="token"), "c": Secret(manager="acme/pi"),
        "client_kwargs": {"d": Secret(env="PI_TOKEN")},
    }  # fmt: skip
    assert resolved(settings, tmp_path, "echo secret of {name}") == {
        "user": "reader", "a": "from env", "b": "from file", "c": "secret of acme/pi", "client_kwargs": {"d": "from env"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("secret", "command", "told"),
    [
        (Secret(env="NOT_SET"), None, "export NOT_SET="),
        (Secret(file="none"), None, "put the secret there"),
        (Secret(manager="acme/pi"), None, "secret_command: vault"),
        (Secret(manager="acme/pi"), "false {name}", "false ended with 1"),
        (Secret(manager="acme/pi"), "true {name}", "it printed nothing"),
        (Secret(manager="acme/pi"), "no-such-program {name}", "no-such-program: FileNotFoundError"),
    ],
)
def test_a_secret_that_is_not_there_is_told_by_its_reference(
    secret: Secret, command: str | None, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NOT_SET", raising=False)
    with pytest.raises(ReadError) as caught:
        resolved({"password": secret}, tmp_path, command)
    assert secret.told in str(caught.value)
    assert told in str(caught.value)
    assert caught.value.problems[0].actor == "retry"


def test_a_name_of_a_secret_is_one_word_of_the_command(tmp_path: Path) -> None:
    """No shell sees it: a name cannot add a command."""
    (given,) = resolved({"key": Secret(manager="x; echo stolen")}, tmp_path, "echo {name}").values()
    assert given == "x; echo stolen"


def test_what_stands_in_the_open_is_refused() -> None:
    found = list(
        in_the_open(
            {"user": "reader", "password": "hunter2", "headers": {"X-Api-Key": "abc"}, "token": Secret(env="T")}, "sftp://me:hunter2@host/x"
        )
    )
    assert [keys for keys, _ in found] == [("password",), ("headers", "X-Api-Key"), ()]
    assert "hunter2" not in "".join(str(problem) for _, problem in found)
    assert list(in_the_open({"user": "reader", "endpoint_url": "http://127.0.0.1"}, "s3://bucket/plant")) == []


def test_a_reference_in_a_plant_file_is_one() -> None:
    """And no dict of settings, which would be handed on as it stands."""
    given = {"password": {"env": "P"}, "port": 22, "ssl": True, "client_kwargs": {"key": {"file": "k"}, "verify": False}}
    source = Source.model_validate({"kind": "delimited", "path": "*.csv", "connection": given, "tables": {"material": {"columns": {}}}})
    inner = {"key": Secret(file="k"), "verify": False}
    assert source.connection == {"password": Secret(env="P"), "port": 22, "ssl": True, "client_kwargs": inner}
    assert source.connection["ssl"] is True
