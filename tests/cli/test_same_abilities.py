"""Every operation of the control API has a command."""

import typer

from app.cli.main import app
from app.endpoints.control.api import OPERATIONS
from tests.compatibility.take_snapshot import walk

COMMAND = {
    "fire_event": "trigger --set",
    "send_frame": "trigger --frame",
    "trigger": "trigger",
    "list_events": "trigger --list",
    "status": "status",
    "clients": "clients list",
    "identify_client": "clients identify",
    "close_client": "clients close",
    "drop_clients": "clients close",
    "reconnects": "reconnects",
    "start_lab": "reconnects lab",
    "show_lab": "reconnects lab",
    "draw_lab": "reconnects lab --picture",
    "stop_lab": "reconnects lab",
    "journal": "journal",
    "change_journal": "journal --log-gets",
    "mark_row": "journal --pin",
    "resend": "trigger --row",
    "make_scenario": "journal --scenario",
    "journal_stream": "journal --follow",
    "list_filters": "filters list",
    "save_filter": "filters save",
    "rename_filter": "filters rename",
    "delete_filter": "filters delete",
    "lint": "contract lint",
    "change_lint_rules": "contract rules --off",
    "event_files": "contract files",
    "reload_event_files": "contract reload",
    "faults": "faults list",
    "arm_faults": "faults set",
    "clear_faults": "faults clear",
    "arm_rest_fault": "faults rest",
    "list_profiles": "faults profiles list",
    "save_profile": "faults profiles save",
    "rename_profile": "faults profiles rename",
    "delete_profile": "faults profiles delete",
    "contract": "contract check",
    "asyncapi_document": "contract asyncapi",
    "typescript_types": "contract typescript",
    "contract_page": "contract show",
    "show_file_schema": "contract schema",
    "import_document": "contract import",
    "list_peers": "peers list",
    "add_peer": "peers add",
    "forget_peer": "peers forget",
    "verify_peer": "peers verify",
    "decide_keys": "peers accept",
    "erase_peers": "peers erase",
    "own_keys": "peers key",
    "rotate_keys": "peers rotate",
    "export_keys": "peers export",
    "import_keys": "peers import",
    "list_sources": "sources list",
    "show_source": "sources status",
    "switch_source_on": "sources on",
    "switch_source_off": "sources off",
    "test_source": "sources test",
    "set_supabase_key": "sources key",
    "show_supabase_key": "sources key",
    "remove_supabase_key": "sources key",
    "delete_source_data": "sources delete",
    "expect": "expect",
    "list_breakpoints": "breakpoints list",
    "add_breakpoint": "breakpoints add",
    "remove_breakpoint": "breakpoints remove",
    "remove_breakpoints": "breakpoints remove",
    "list_held": "breakpoints held",
    "wait_for_held": "breakpoints wait",
    "resolve_held": "breakpoints resolve",
    "list_fixtures": "fixtures list",
    "show_fixture": "fixtures show",
    "save_fixture": "fixtures save",
    "save_frame": "fixtures save",
    "rename_fixture": "fixtures rename",
    "delete_fixture": "fixtures delete",
    "pin_fixture": "fixtures pin",
    "unpin_fixture": "fixtures unpin",
    "list_sessions": "session list",
    "show_session": "session show",
    "export_session": "session export",
    "export_log": "session export --filter",
    "save_session": "session save",
    "rename_session": "session rename",
    "delete_session": "session delete",
    "check_session": "session check",
    "run_session": "session run",
    "run_session_file": "session run",
    "show_run": "session run",
    "step_run": "session run --step",
    "list_runs": "session runs",
    "pause_run": "session pause",
    "resume_run": "session resume",
    "stop_run": "session stop",
    "list_recordings": "session record list",
    "start_recording": "session record start",
    "stop_recording": "session record stop",
    "open_recording": "open --recording",
    "open_recording_file": "open --recording",
    "download_recording": "session record save",
    "bundle_recording": "session bundle",
    "list_personas": "state personas list",
    "add_persona": "state personas add",
    "change_persona": "state personas change",
    "remove_persona": "state personas remove",
    "list_messages": "state messages list",
    "mark_delivered": "state messages deliver",
    "add_reaction": "state messages react",
    "remove_reaction": "state messages react --remove",
    "delete_message": "state messages delete",
    "save_state": "state save",
    "load_state": "state load",
    "reset_state": "state reset",
    "show_settings": "server settings",
    "change_settings": "server settings",
    "list_origins": "server origins",
    "allow_origin": "server allow",
    "disallow_origin": "server disallow",
    "starts_at_login": "server start-at-login",
    "start_at_login": "server start-at-login --on",
    "check_for_updates": "status --newer",
    "create_agent_token": "token --agent",
    "revoke_agent_token": "token --revoke",
    "pause_server": "server pause",
    "resume_server": "server resume",
    "stop_server": "server stop",
    "start_server": "server start",
    "refuse_connections": "server refuse",
    "accept_connections": "server accept",
    "refusals": "server refusals",
    "expected_ui_state": "ui-state show",
    "reported_ui_state": "ui-state show --reported",
    "ui_state_changes": "ui-state changes",
    "ui_state_origin": "ui-state why",
    "ui_state_clients": "ui-state clients",
    "report_ui_state": "ui-state report",
    "compare_ui_state": "ui-state compare",
    "expect_ui_state": "ui-state expect",
    "select_chat": "ui-state select",
    "open_window": "open",
    "open_fire_bar": "open --fire-bar",
    "quit": "quit",
}
NO_COMMAND = {"openapi": "a document for tools that read it from the API"}


def test_every_operation_has_a_command() -> None:
    operations = {each.handler.__name__ for each in OPERATIONS}
    missing = operations - COMMAND.keys() - NO_COMMAND.keys()
    assert not missing, f"add a command or an option for {missing}"
    assert COMMAND.keys() | NO_COMMAND.keys() == operations


def test_the_commands_and_options_exist() -> None:
    commands: dict[str, dict[str, dict[str, object]]] = {}
    walk(typer.main.get_command(app), "companion", commands)
    for line in COMMAND.values():
        command, _, option = line.partition(" --")
        assert f"companion {command}" in commands, line
        assert not option or f"--{option}" in commands[f"companion {command}"]["options"], line


def test_every_command_that_prints_accepts_json() -> None:
    commands: dict[str, dict[str, dict[str, object]]] = {}
    walk(typer.main.get_command(app), "companion", commands)
    groups = {name.rpartition(" ")[0] for name in commands}
    without = {name for name, each in commands.items() if name not in groups and "--json" not in each["options"]}
    assert without == {"companion serve", "companion mcp"}
