"""Select the settings for a bug report bundle. If it is redacted, replace names and texts in them by pseudonyms.
The user's folders, and the addresses of the Supabase project, of this computer and of the update feed are always
left out. Redaction keeps numbers, default values other than the user name, and values that say nothing about the
user, such as the keys of the envelope. The tokens of the companion are not among the settings.
"""

from typing import Any

from app.protocol.bundle.redaction import Redactor
from app.protocol.lint.rules import BY_ID

REMOVED = (
    "fixtures", "sessions", "faults", "events_folder", "supabase_url", "supabase_address", "updates_url",
)  # fmt: skip
"""Settings whose values are left out, also of a bundle that is not redacted."""
ENVELOPE = ("envelope_event_key", "envelope_data_key")


def settings_of(values: dict[str, Any], defaults: dict[str, Any], redactor: Redactor | None) -> dict[str, Any]:
    """Return the settings for a bundle. ``redactor`` None does not redact them."""
    found = {name: value for name, value in values.items() if name not in REMOVED}
    if redactor is None:
        return found
    return {name: _redacted(name, value, defaults.get(name), redactor) for name, value in found.items()}


def _redacted(name: str, value: Any, default: Any, redactor: Redactor) -> Any:
    if isinstance(value, bool | int | float) or (value == default and name != "username") or name in ENVELOPE:
        return value
    if isinstance(value, list):
        kept = default if isinstance(default, list) else []
        return [each if each in kept or each in BY_ID else redactor.page(str(each)) for each in value]
    if isinstance(value, dict):
        return {redactor.text(key): redactor.text(str(each)) for key, each in value.items()}
    is_theme = name == "theme" and value in ("light", "dark", "system")
    return value if is_theme else redactor.text(str(value))
