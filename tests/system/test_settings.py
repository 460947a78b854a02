import json
import os
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app.system.settings import TAURI_ORIGINS, Settings
from app.system.settings_checks import InvalidSettings, check, origin_problem, validate
from app.system.settings_file import MAX_BYTES, SCHEMA_FILE, SettingsFile


@pytest.fixture
def file(tmp_path: Path) -> SettingsFile:
    return SettingsFile(tmp_path / "settings.toml")


def write(file: SettingsFile, text: str) -> None:
    file.path.write_text(text, encoding="utf-8")


def read(file: SettingsFile) -> str:
    return file.path.read_text(encoding="utf-8")


def test_a_missing_file_loads_the_defaults(file: SettingsFile) -> None:
    settings = file.load()
    assert settings == Settings()
    assert (settings.port, settings.username) == (8081, "me")
    assert settings.allowed_origins == list(TAURI_ORIGINS)
    assert file.warnings == []
    assert not file.path.exists()


def test_the_defaults_are_valid() -> None:
    for name, value in msgspec.structs.asdict(Settings()).items():
        assert check(name, value) is None


def test_settings_objects_do_not_share_lists() -> None:
    Settings().allowed_origins.clear()
    assert Settings().allowed_origins == list(TAURI_ORIGINS)


def test_saved_settings_are_loaded(file: SettingsFile) -> None:
    changed = Settings(
        username="zoë", port=9000, allowed_origins=[], rest=False, rest_port=9001, prime_browsers=False,
        presence_decays=False, theme="dark", close_to_tray=False,
    )  # fmt: skip
    file.save(changed)
    assert file.load() == changed
    assert file.warnings == []


def test_defaults_are_not_written(file: SettingsFile) -> None:
    file.save(Settings(port=9000))
    assert read(file).splitlines() == [f"#:schema ./{SCHEMA_FILE}", "port = 9000"]


def test_an_unknown_lint_rule_is_reported_with_a_suggestion_and_the_others_are_kept(file: SettingsFile) -> None:
    write(file, 'lint_off = ["clock-skew", "duplicate-ids"]\n')
    assert file.load().lint_off == ["clock-skew"]
    (warning,) = file.warnings
    assert "lint_off: there is no lint rule 'duplicate-ids' (did you mean duplicate-id?)" in warning
    assert 'using ["clock-skew"]' in warning


def test_saved_filters_are_a_table(file: SettingsFile) -> None:
    filters = {"errors": "is:invalid", "two words": 'user:"a b"'}
    file.save(Settings(saved_filters=filters))
    assert '[saved_filters]\nerrors = "is:invalid"' in read(file)
    assert file.load() == Settings(saved_filters=filters)
    file.save(Settings(saved_filters=filters, port=9000))
    assert file.load() == Settings(saved_filters=filters, port=9000), "a new key is not part of the table"
    file.save(Settings(saved_filters={"errors": "is:warning"}, port=9000))
    assert file.load().saved_filters == {"errors": "is:warning"}
    file.save(Settings())
    assert file.load() == Settings()


def test_an_invalid_saved_filter_is_reported_and_the_others_are_kept(file: SettingsFile) -> None:
    write(file, "[saved_filters]\nerrors = 'is:invalid'\n'@x' = 'is:ok'\nnumber = 7\n")
    assert file.load().saved_filters == {"errors": "is:invalid"}
    (warning,) = file.warnings
    assert "saved_filters" in warning
    assert warning.endswith('using {errors = "is:invalid"}')


@pytest.mark.parametrize(
    "filters", [{"errors\n": "is:ok"}, {"red \x1b[31m": "is:ok"}, {"errors": "is:ok\tdir:c2s"}]
)
def test_a_saved_filter_has_no_control_characters(filters: dict[str, str]) -> None:
    assert str(check("saved_filters", filters)).endswith("contains a control character. Remove it")


def test_a_value_goes_back_to_its_default_where_it_was_written(file: SettingsFile) -> None:
    file.save(Settings(port=9000))
    file.save(Settings())
    assert file.load() == Settings()


def test_save_creates_the_folder(tmp_path: Path) -> None:
    file = SettingsFile(tmp_path / "new" / "folder" / "settings.toml")
    file.save(Settings(port=9000))
    assert file.load().port == 9000


def test_save_keeps_comments_and_unknown_keys(file: SettingsFile) -> None:
    write(file, '# mine\nport = 9000 # the UI expects 8081\nfuture = "kept"\n\n[other]\nkey = 1 # too\n')
    settings = file.load()
    settings.port = 9001
    settings.username = "zoe"
    file.save(settings)
    text = read(file)
    assert "# mine" in text
    assert "port = 9001 # the UI expects 8081" in text
    assert 'future = "kept"' in text
    assert "[other]\nkey = 1 # too" in text
    assert file.load() == Settings(port=9001, username="zoe")


def test_save_keeps_the_formatting_of_unchanged_values(file: SettingsFile) -> None:
    origins = "allowed_origins = [\n    'https://a.example', # my own\n    'https://b.example',\n]"
    text = f"port = 9_000\n{origins}\ntheme = 'dark'\n"
    write(file, text)
    settings = file.load()
    settings.username = "zoe"
    file.save(settings)
    assert text.strip() in read(file)
    assert file.load().username == "zoe"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('port = "abc"', "must be a whole number, not text"),
        ("port = 70000", "must be at most 65535"),
        ("port = true", "must be a whole number, not true or false"),
        ("theme = 'pink'", "must be one of: system, light, dark"),
        ("username = ''", "must not be empty"),
        ("journal_rows = 5", "must be at least 100"),
        ("rest = 1", "must be true or false, not a number"),
        ("rest_port = -1", "must be at least 0"),
        ("prime_browsers = 'yes'", "must be true or false, not text"),
        ("presence_decays = []", "must be true or false, not a list"),
        ("close_to_tray = 'no'", "must be true or false, not text"),
    ],
)
def test_an_invalid_value_is_reported_and_its_default_used(file: SettingsFile, line: str, message: str) -> None:
    write(file, f"{line}\nstart_hidden = true\n")
    assert file.load() == Settings(start_hidden=True)
    (warning,) = file.warnings
    name = line.split()[0]
    assert warning.startswith(f"{file.path}: {name}: {message}")
    default = getattr(Settings(), name)
    assert warning.endswith(f"using {json.dumps(default)}")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("require_token = 'true'", {"require_token": True}),
        ("require_token = 0", {"require_token": True}),
        ("allowed_origins = 'https://a.example'", {"allowed_origins": []}),
        (
            "allowed_origins = ['https://a.example', 'https://B.example/', 7]",
            {"allowed_origins": ["https://a.example"]},
        ),
        ("allowed_origins = ['*']", {"allowed_origins": []}),
    ],
)
def test_an_invalid_access_setting_falls_back_to_the_restrictive_value(
    file: SettingsFile, line: str, expected: dict[str, Any]
) -> None:
    write(file, f"{line}\n")
    assert file.load() == Settings(**expected)
    (warning,) = file.warnings
    (value,) = expected.values()
    assert warning.endswith(f"using {json.dumps(value)}")


def test_an_invalid_file_with_require_token_still_requires_a_token(file: SettingsFile) -> None:
    write(file, "require_token = true\nport = = 1\n")
    assert file.load() == Settings(require_token=True)
    assert "require_token = true until the companion starts with a corrected file" in file.warnings[0]


def test_warnings_are_those_of_the_last_load(file: SettingsFile) -> None:
    write(file, "port = 'abc'")
    file.load()
    write(file, "port = 9000")
    file.load()
    assert file.warnings == []


@pytest.mark.parametrize(
    "broken", [b"port = = 1", b"[", b"port = 1\nport = 2", b"a = " + b"[" * 5000, b'fixtures = "D:\\events"']
)
def test_a_broken_file_loads_the_defaults_and_is_not_replaced(file: SettingsFile, broken: bytes) -> None:
    """Regression: it was renamed, so that the settings in it were lost."""
    file.path.write_bytes(broken)
    settings = file.load()
    assert settings == Settings()
    (warning,) = file.warnings
    assert str(file.path) in warning
    assert "defaults are used" in warning
    with pytest.raises(InvalidSettings, match=r"^settings.toml: it cannot be read: .*Correct or delete the file"):
        file.save(msgspec.structs.replace(settings, port=9000))
    assert list(file.path.parent.iterdir()) == [file.path]
    assert file.path.read_bytes() == broken


@pytest.mark.parametrize("then", ["corrected", "deleted"])
def test_values_that_replace_those_of_a_broken_file_are_not_saved(file: SettingsFile, then: str) -> None:
    """Regression: no page could connect any more, although the file was valid and no warning said so."""
    write(file, 'allowed_origins = ["http://localhost:5173"]\nport = 8081 8082\n')
    settings = file.load()
    assert settings.allowed_origins == []
    if then == "deleted":
        file.path.unlink()
        expected = Settings(theme="dark")
    else:
        write(file, 'allowed_origins = ["http://localhost:5173"]\nport = 8083\n')
        expected = Settings(theme="dark", allowed_origins=["http://localhost:5173"], port=8083)
    file.save(msgspec.structs.replace(settings, theme="dark"))
    assert SettingsFile(file.path).load() == expected


@pytest.mark.parametrize("invalid", ["", '"not an origin", '])
def test_entries_are_added_to_those_of_a_broken_file_that_was_corrected(file: SettingsFile, invalid: str) -> None:
    """Regression: the lists in use, which are not those of the file, replaced them."""
    origins = f'allowed_origins = [{invalid}"http://localhost:5173", "http://localhost:3000"]\n'
    filters = '[saved_filters]\nmine = "is:error"\nother = "is:warning"\n'
    write(file, f"{origins}port = 8081 x\n{filters}")
    settings = file.load()
    settings.theme = "dark"
    write(file, f"{origins}{filters}")
    file.save(settings)
    assert origins in read(file)
    settings.saved_filters = {"third": "is:info"}
    settings.allowed_origins = ["http://localhost:9999"]
    settings.pinned = settings.pinned[1:]
    file.save(settings)
    assert SettingsFile(file.path).load() == Settings(
        theme="dark",
        allowed_origins=["http://localhost:9999", "http://localhost:5173", "http://localhost:3000"],
        saved_filters={"mine": "is:error", "other": "is:warning", "third": "is:info"},
        pinned=Settings().pinned[1:],
    )


def test_changes_of_a_list_or_table_and_edits_of_it_are_merged(file: SettingsFile) -> None:
    """Regression: the edits were lost."""
    file.save(Settings(allowed_origins=["http://a", "http://b"], saved_filters={"a": "1", "b": "2", "c": "3"}))
    settings = file.load()
    file_edits = Settings(
        allowed_origins=["http://b", "http://a", "http://c"], saved_filters={"a": "1", "b": "22", "d": "4"}
    )
    SettingsFile(file.path).save(file_edits)
    settings.allowed_origins = ["http://b", "http://d"]
    settings.saved_filters = {"a": "11", "b": "2", "c": "3", "e": "5"}
    file.save(settings)
    saved = SettingsFile(file.path).load()
    assert saved.allowed_origins == ["http://b", "http://d", "http://c"]
    assert saved.saved_filters == {"a": "11", "b": "22", "d": "4", "e": "5"}


def test_a_saved_filter_that_was_changed_is_kept_although_it_was_deleted_in_the_file(file: SettingsFile) -> None:
    file.save(Settings(saved_filters={"a": "1", "b": "2", "c": "3"}))
    settings = file.load()
    SettingsFile(file.path).save(Settings(saved_filters={"b": "2"}))
    settings.saved_filters["a"] = "11"
    file.save(settings)
    assert SettingsFile(file.path).load().saved_filters == {"a": "11", "b": "2"}


def test_a_merged_list_has_the_order_in_use(file: SettingsFile) -> None:
    """Regression: it had that of the file, and a fixture that was renamed lost its place among the pins."""
    file.save(Settings(pinned=["a", "b", "c"]))
    settings = file.load()
    SettingsFile(file.path).save(Settings(pinned=["a", "b", "c", "d"]))
    settings.pinned = ["x", "c", "b"]
    file.save(settings)
    assert SettingsFile(file.path).load().pinned == ["x", "c", "b", "d"]


@pytest.mark.parametrize("origins", [[], ["http://a"], ["http://d"]])
def test_a_list_that_is_given_as_a_whole_replaces_edits(file: SettingsFile, origins: list[str]) -> None:
    """Regression: an origin that was added to the file could connect after the next start."""
    file.save(Settings(allowed_origins=["http://a"]))
    settings = file.load()
    SettingsFile(file.path).save(Settings(allowed_origins=["http://a", "http://c"], theme="light"))
    settings.allowed_origins = origins
    file.save(settings, whole=["allowed_origins", "theme"])
    saved = SettingsFile(file.path).load()
    assert (saved.allowed_origins, saved.theme) == (origins, "light"), "a single value stays unless it was changed"


def test_an_unreadable_file_loads_restrictive_access_settings(file: SettingsFile) -> None:
    file.path.mkdir()
    assert file.load() == Settings(require_token=True, allowed_origins=[])
    assert len(file.warnings) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no FIFOs in folders")
@pytest.mark.parametrize("kind", ["fifo", "device", "huge"])
def test_a_file_that_would_block_or_take_minutes_is_reported(file: SettingsFile, kind: str) -> None:
    match kind:
        case "fifo":
            os.mkfifo(file.path)
        case "device":
            file.path.symlink_to("/dev/zero")
        case "huge":
            write(file, "port = 9000\n#" + "x" * MAX_BYTES)
    wrong = "The file is larger than 256 KiB" if kind == "huge" else "Not a regular file"
    assert file.load() == Settings(require_token=True, allowed_origins=[])
    assert file.warnings[0].startswith(f"{file.path} could not be read, so defaults are used: {wrong}; ")
    with pytest.raises(OSError, match=wrong):
        file.save(Settings(port=9001))


def test_save_leaves_no_other_files_than_the_schema(file: SettingsFile) -> None:
    file.save(Settings(port=9000))
    assert set(file.path.parent.iterdir()) == {file.path, file.path.with_name(SCHEMA_FILE)}


EQUAL_PORTS = [
    ("port = 8080", "rest_port: 8080 is already the port of the event server"),
    ("port = 8082", "control_port: 8082 is already the port of the event server"),
    ("port = 9100\npeers = true", "peer_port: 9100 is already the port of the event server"),
    ("rest_port = 9000\ncontrol_port = 9000", "control_port: 9000 is already the port of the REST stand-in"),
]


@pytest.mark.parametrize(("lines", "wrong"), EQUAL_PORTS)
def test_equal_ports_are_reported_and_all_defaults_used(file: SettingsFile, lines: str, wrong: str) -> None:
    write(file, f"{lines}\nusername = 'zoe'\n")
    assert file.load() == Settings(username="zoe", peers="peers" in lines)
    used = "port = 8081, rest_port = 8080, control_port = 8082, peer_port = 9100"
    assert file.warnings == [f"{file.path}: {wrong}; using {used}"]


@pytest.mark.parametrize("lines", ["port = 8080\nrest = false", "port = 0\nrest_port = 0\ncontrol_port = 0"])
def test_ports_may_be_equal_if_only_one_is_used_or_they_are_0(file: SettingsFile, lines: str) -> None:
    write(file, lines)
    file.load()
    assert file.warnings == []


def test_saving_other_ports_resolves_a_conflict_in_the_file(file: SettingsFile) -> None:
    write(file, "port = 9000 # mine\nrest_port = 9000\n")
    settings = file.load()
    settings.port = 9001
    file.save(settings)
    assert file.load() == settings == Settings(port=9001)
    assert file.warnings == []
    assert "# mine" in read(file)


def test_saving_another_key_resolves_equal_keys_in_the_file(file: SettingsFile) -> None:
    """Regression: the other key stayed as it was, so that both were rejected again at the next start."""
    write(file, 'envelope_event_key = "x"\nenvelope_data_key = "x"\n')
    settings = file.load()
    settings.envelope_event_key = "x"
    file.save(settings)
    assert file.load() == settings == Settings(envelope_event_key="x")
    assert file.warnings == []


@pytest.mark.parametrize(
    "text",
    [
        'repeat_shortcut = "Ctrl+Alt+R"\nfire_bar_shortcut = "ctrl+alt+r"\n',
        "[saved_filters]\n" + "".join(f'f{number} = "event:x"\n' for number in range(101)),
        "lint_off = [" + '"missing-field", "clock-skew",' * 51 + "]\n",
    ],
    ids=["shortcuts", "filters", "rules"],
)
def test_what_is_loaded_is_valid(file: SettingsFile, text: str) -> None:
    """Regression: the settings could not be saved until the file was corrected."""
    write(file, text)
    settings = file.load()
    assert len(file.warnings) == 1
    assert validate(settings) == []


def test_a_value_that_was_edited_meanwhile_is_kept(file: SettingsFile) -> None:
    """Regression: saving any other setting reverted it."""
    write(file, "port = 9000\n")
    settings = file.load()
    write(file, "port = 9100 # for the next start\nmax_clients = 5\n")
    settings.theme = "dark"
    file.save(settings)
    assert "port = 9100 # for the next start\n" in read(file)
    assert SettingsFile(file.path).load() == Settings(port=9100, max_clients=5, theme="dark")
    settings.port = 9200
    file.save(settings)
    assert SettingsFile(file.path).load() == Settings(port=9200, max_clients=5, theme="dark")


@pytest.mark.parametrize(
    ("edit", "change", "wrong"),
    [
        ("port = 9000", {"rest_port": 9000}, "rest_port: 9000 is already the port of the event"),
        ('envelope_event_key = "x"', {"envelope_data_key": "x"}, "envelope_data_key: must differ from"),
        ('repeat_shortcut = "Ctrl+Alt+K"', {"fire_bar_shortcut": "Ctrl+Alt+K"}, "fire_bar_shortcut: "),
    ],
)
def test_a_value_that_excludes_one_that_was_edited_meanwhile_is_not_saved(
    file: SettingsFile, edit: str, change: dict[str, Any], wrong: str
) -> None:
    """Regression: both were saved, and the next start reset them."""
    settings = file.load()
    write(file, f"{edit}\n")
    with pytest.raises(InvalidSettings, match=f"^{wrong}.* .edited meanwhile in settings.toml: {edit.split()[0]}"):
        file.save(msgspec.structs.replace(settings, **change))
    assert read(file) == f"{edit}\n"
    file.save(msgspec.structs.replace(settings, theme="dark"))
    assert edit in read(file)


def test_a_file_that_was_deleted_meanwhile_is_written_in_full(file: SettingsFile) -> None:
    write(file, "port = 9000\n")
    settings = file.load()
    file.path.unlink()
    settings.theme = "dark"
    file.save(settings)
    assert SettingsFile(file.path).load() == Settings(port=9000, theme="dark")


def test_validate_accepts_the_defaults_and_reports_every_wrong_setting() -> None:
    assert validate(Settings()) == []
    wrong = Settings(
        username="a/b", port=8080, allowed_origins=["http://x y", "https://a.example", "null"], updates_url="x",
        journal_rows=1,
    )  # fmt: skip
    assert [each.name for each in validate(wrong)] == [
        "username", "journal_rows", "updates_url", "allowed_origins", "allowed_origins", "rest_port",
    ]  # fmt: skip
    assert [str(each) for each in validate(Settings(username="bob"), ["alice", "bob"])] == [
        "username: bob is a friend in this chat state. Choose another name"
    ]


@pytest.mark.parametrize("origin", [*TAURI_ORIGINS, "https://a.example:8443", "http://[::1]:5173", "a-b+c.d://x_y"])
def test_valid_origins_are_accepted(origin: str) -> None:
    assert origin_problem(origin) == ""


@pytest.mark.parametrize(
    "origin",
    [
        "", "null", "file://", "http://", "localhost:3000", "http://localhost:3000/", "http://localhost/app",
        "http://localhost:3000foo barlocalhost:5173", "http://local host", " http://localhost", "http://localhost\n",
        "http://me@localhost", "http://me:pw@localhost:1", "http://localhost?x", "http://localhost#x", "http://*",
        "http://*.a.example", "HTTP://localhost", "http://Localhost", "http://localhost:", "http://localhost:0",
        "http://localhost:65536", "http://localhost:08080", "http://localhost:80", "https://localhost:443",
        "http://localhost:\u0661", "http://a.example http://b.example", "1http://x",
    ],
)  # fmt: skip
def test_invalid_origins_are_rejected(origin: str) -> None:
    assert origin_problem(origin)


@pytest.mark.parametrize("name", ["", "  ", "a/b", "a\nb", "a\u202eb", " me", "me ", "x" * 65, "\ud800"])
def test_an_invalid_user_name_is_rejected_like_that_of_a_friend(file: SettingsFile, name: str) -> None:
    assert check("username", name)
    if name.isascii():
        write(file, f"username = {json.dumps(name)}\n")
        assert file.load().username == "me"
        assert file.warnings


@pytest.mark.parametrize(
    ("name", "value", "wrong"),
    [
        ("port", 0, None),
        ("port", 65535, None),
        ("port", -1, "must be at least 0"),
        ("port", "8081", "must be a whole number, not text"),
        ("username", "n" * 64, None),
        ("username", "n" * 65, "must not be longer than 64 characters"),
        ("theme", "dark", None),
        ("theme", "pink", "must be one of: system, light, dark"),
        ("rest_port", 0, None),
        ("rest_port", 65536, "must be at most 65535"),
        ("rest", "off", "must be true or false, not text"),
        ("allowed_origins", ["https://a.example", 7], "[1]: must be text, not a number"),
    ],
)
def test_check_returns_the_problem_of_a_value(name: str, value: Any, wrong: str | None) -> None:
    assert check(name, value) == wrong
