"""The libraries and licences in *About*."""

import sys
from email.message import Message
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app.system import about


def test_only_direct_and_transitive_dependencies_are_listed() -> None:
    libraries = {each.name: each for each in about.libraries()}
    for name in ("PySide6_Essentials", "qasync", "websockets", "aiohttp", "msgspec", "yarl", "Faker"):
        assert libraries[name].version == version(name)
    assert "LGPL" in libraries["PySide6_Essentials"].licence
    assert libraries["websockets"].licence == "BSD-3-Clause"
    assert not {"pytest", "mypy", "ruff", "hypothesis", "p2p-chat-companion"} & set(libraries), (
        "development tools are not listed"
    )
    assert list(libraries) == sorted(libraries, key=str.lower)
    assert all(each.licence for each in libraries.values())


def library(**fields: str | list[str]) -> Any:
    metadata = Message()
    for name, values in fields.items():
        for value in [values] if isinstance(values, str) else values:
            metadata[name.replace("_", "-")] = value
    return SimpleNamespace(metadata=metadata)


@pytest.mark.parametrize(
    ("fields", "licence"),
    [
        ({"License_Expression": "MIT", "License": "other"}, "MIT"),
        ({"License": "BSD"}, "BSD"),
        (
            {
                "License": "Permission is hereby granted " * 9,
                "Classifier": ["License :: OSI Approved :: MIT License"],
            },
            "MIT License",
        ),
        ({"Classifier": ["License :: OSI Approved :: A", "Topic :: X", "License :: B"]}, "A, B"),
        ({}, "see the licence text"),
    ],
)
def test_licence_name_is_short(fields: Any, licence: str) -> None:
    assert about.licence_name(library(**fields)) == licence


def test_licence_texts_exist_only_in_a_bundle(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert about.licence_texts() is None
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path), raising=False)
    assert about.licence_texts() is None
    (tmp_path / "licences").mkdir()
    assert about.licence_texts() == tmp_path / "licences"
