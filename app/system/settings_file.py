"""Read and write the settings file (TOML), which users may edit.

Saving keeps comments and unknown keys, and refuses to replace a file that is not valid TOML. Reading replaces a
value that is not valid, usually by its default, but by a strict value if it controls access. Warnings report this.
The schema is written beside the file, for editors.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from copy import deepcopy
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from app.system import key_combination
from app.system.files import read_text, reason, write_file
from app.system.lint_rules import lint_rule_problem
from app.system.settings import (
    ENVELOPE_KEYS,
    MAX_ENTRIES,
    PORTS,
    RESTRICTIVE,
    SHORTCUTS,
    Settings,
    settings_schema_text,
)
from app.system.settings_checks import InvalidSetting, InvalidSettings, check, equal_ports, origin_problem, validate

MAX_BYTES = 256 * 1024
SCHEMA_FILE = "settings.schema.json"
"""The schema of the settings file, which is written beside it for editors."""
PARSE_ERRORS = (ValueError, RecursionError)
"""Exceptions of the TOML parsers."""
THE_FILE = "the file"
"""The entry in ``SettingsFile.unusable`` if no value of the file could be used."""
_PORT_NAMES = {name for name, _, _ in PORTS}


class SettingsFile:
    """The settings file. ``load`` never fails: ``warnings`` says which values could not be used."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.warnings: list[str] = []
        self.unusable: list[str] = []
        """The names of the settings whose values could not be used, or ``THE_FILE``."""
        self._known: Settings | None = None
        """The settings that were loaded or saved last."""

    def load(self) -> Settings:
        """Read the settings. Use defaults, or ``RESTRICTIVE``, if the file or a value is missing or not valid."""
        settings = self._load()
        self._known = deepcopy(settings)
        return settings

    def _load(self) -> Settings:
        text = None
        try:
            text = read_text(self.path, MAX_BYTES)
            import tomllib

            document = tomllib.loads(text)
        except FileNotFoundError:
            return self._from_document({})
        except (OSError, *PARSE_ERRORS) as error:
            restrictive = {name: value for name, value in RESTRICTIVE.items() if text is None or name in text}
            until = "".join(
                f"; {name} = {_as_toml(value)} until the companion starts with a corrected file"
                for name, value in restrictive.items()
            )
            self.unusable = [THE_FILE]
            self.warnings = [f"{self.path} could not be read, so defaults are used: {reason(error)}{until}"]
            return Settings(**restrictive)
        return self._from_document(document)

    def _from_document(self, document: dict[str, Any]) -> Settings:
        self.warnings, self.unusable = [], []
        settings = Settings()
        names = Settings.__struct_fields__
        for known in msgspec.structs.fields(Settings):
            if known.name not in document:
                continue
            wrong = check(known.name, document[known.name])
            if wrong:
                self.unusable.append(known.name)
                setattr(settings, known.name, _fallback(known.name, document[known.name], settings))
                used = _as_toml(getattr(settings, known.name))
                self.warnings.append(f"{self.path}: {known.name}: {wrong}; using {used}")
            else:
                setattr(settings, known.name, msgspec.convert(document[known.name], known.type))
        if equal := equal_ports(settings):
            self.unusable += [each.name for each in equal]
            for name, _, _ in PORTS:
                setattr(settings, name, getattr(Settings(), name))
            used = ", ".join(f"{name} = {getattr(settings, name)}" for name, _, _ in PORTS)
            self.warnings.append(f"{self.path}: {'; '.join(map(str, equal))}; using {used}")
        if key_combination.same(settings.repeat_shortcut, settings.fire_bar_shortcut):
            settings.fire_bar_shortcut = ""
            self.unusable.append("fire_bar_shortcut")
            self.warnings.append(f"{self.path}: {' and '.join(SHORTCUTS)} are equal; the fire bar has no shortcut")
        if settings.envelope_event_key == settings.envelope_data_key:
            self.unusable += ENVELOPE_KEYS
            for name in ENVELOPE_KEYS:
                setattr(settings, name, getattr(Settings(), name))
            self.warnings.append(f"{self.path}: {' and '.join(ENVELOPE_KEYS)} are equal; using the usual keys")
        self.warnings += [_unknown_key(self.path, key) for key in document if key not in names]
        return settings

    def save(self, settings: Settings, whole: Collection[str] = ()) -> None:
        """Write the values that differ from the file, and keep its comments. Raise ``OSError``.

        A value that someone has edited in the file meanwhile stays, unless it was changed here too. If a list or
        table was changed in both, its entries are merged, unless ``whole`` names it: it replaces the edits then. If
        a value that stays excludes one of the others, raise ``InvalidSettings``. Raise it also if the file is not
        valid TOML, because the settings in use contain neither its values nor, perhaps, the ones to keep: see
        ``RESTRICTIVE``.
        """
        import tomllib

        import tomlkit  # slow to load; reading needs only tomllib

        known = self._known
        try:
            text = read_text(self.path, MAX_BYTES)
            tomllib.loads(text)  # stricter than tomlkit: the file counts as broken if `load` could not read it
            document = tomlkit.parse(text)
        except FileNotFoundError:
            document = _new_document()
            if THE_FILE not in self.unusable:  # otherwise, the loaded values are not the user's
                known = None
        except PARSE_ERRORS as error:
            wrong = f"it cannot be read: {reason(error)}. Correct or delete the file, then save again"
            raise InvalidSettings([InvalidSetting(self.path.name, wrong)]) from None
        as_read = self._from_document(document.unwrap())
        kept = {}
        for name, in_use in msgspec.structs.asdict(settings).items():
            read = getattr(as_read, name)
            replaces = name in whole and isinstance(in_use, list | dict)
            value = in_use if known is None or replaces else _merged(getattr(known, name), in_use, read)
            replaced = name in document and document[name] != read
            edited = known is not None and value == getattr(known, name) and not replaced and not replaces
            if edited and value != read:
                kept[name] = read
            elif value != in_use:
                kept[name] = value
            # Write all values that exclude each other, or the next start would reject them again.
            if (value != read and not edited) or (replaced and name in (*_PORT_NAMES, *ENVELOPE_KEYS)):
                document[name] = value
        if kept and (errors := validate(msgspec.structs.replace(settings, **kept))):
            edits = f"edited meanwhile in {self.path.name}: {', '.join(kept)}"
            raise InvalidSettings([each._replace(reason=f"{each.reason} ({edits})") for each in errors])
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_file(self.path, tomlkit.dumps(document))
        self._known = deepcopy(settings)
        self._write_schema()

    def _write_schema(self) -> None:
        """Write the schema that a new file refers to, unless it is there. The settings are valid without it."""
        file, text = self.path.with_name(SCHEMA_FILE), settings_schema_text()
        with suppress(OSError, UnicodeDecodeError):
            if not file.exists() or read_text(file, MAX_BYTES) != text:
                write_file(file, text, durable=False)


def _merged(before: Any, after: Any, read: Any) -> Any:
    """Return the value to save: ``after``, which was ``before`` when it was loaded or saved last.

    If the file has a list or table that was edited meanwhile (``read``), return ``after`` with these edits: without
    entries that were deleted in the file, and with those that were added. An entry of a table whose text was added
    or changed here is kept as it is here; others have the text of the file. The list has the order of ``after``;
    entries of the file come last.
    """
    if read == before or not isinstance(after, list | dict):
        return after
    table = after if isinstance(after, dict) else {}
    changed = {key for key, text in table.items() if text != before.get(key)}
    kept = [each for each in after if each in read or each not in before or each in changed]
    kept += [each for each in read if each not in before and each not in after]
    return {key: table[key] if key in changed else read[key] for key in kept} if isinstance(after, dict) else kept


def _new_document() -> Any:
    """Return an empty file that refers to its schema, in the way that editors of TOML understand."""
    import tomlkit

    return tomlkit.parse(f"#:schema ./{SCHEMA_FILE}\n")


def _fallback(name: str, value: object, settings: Settings) -> Any:
    """Return the replacement of a value that is not valid. Lists and saved filters keep their valid entries."""
    if name == "allowed_origins" and isinstance(value, list):
        return [each for each in value if isinstance(each, str) and not origin_problem(each)]
    if name == "lint_off" and isinstance(value, list):
        valid = [each for each in value if isinstance(each, str) and not lint_rule_problem(each)]
        return list(dict.fromkeys(valid))[:MAX_ENTRIES]
    if name == "saved_filters" and isinstance(value, dict):
        valid_items = ((key, text) for key, text in value.items() if not check(name, {key: text}))
        return dict(islice(valid_items, MAX_ENTRIES))
    return RESTRICTIVE.get(name, getattr(settings, name))


def _as_toml(value: Any) -> str:
    import tomlkit

    if isinstance(value, dict):
        table = tomlkit.inline_table()
        table.update(value)
        value = table
    return str(tomlkit.item(value).as_string())


def _unknown_key(file: Path, key: str) -> str:
    import difflib

    near = difflib.get_close_matches(key, Settings.__struct_fields__, 1)
    return f"{file}: {key} is not a setting" + (f"; did you mean {near[0]}?" if near else "")
