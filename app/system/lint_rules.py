"""The ids of the lint rules, to check the setting ``lint_off`` and options of the command line.
``protocol.lint.rules`` describes the rules, which compare the traffic with the contract.

``system`` cannot import ``protocol``; a test compares the two lists.
"""

LINT_RULES = (
    "blanks-ui", "rest-disagrees", "invalid-frame", "missing-field", "invalid-value", "unknown-field",
    "unknown-event", "duplicate-id", "unknown-user", "clock-skew", "typing-repeated", "typing-not-stopped",
    "typing-left-on", "mark-read-missing", "mark-read-unknown", "wrong-ui-state", "presence-repeated",
)  # fmt: skip


def lint_rule_problem(rule_id: str) -> str:
    """Return why this is not the id of a rule, with a suggestion; empty if it is one."""
    if rule_id in LINT_RULES:
        return ""
    import difflib  # only for a mistyped id

    near = difflib.get_close_matches(rule_id[:80], LINT_RULES, 1)
    hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(LINT_RULES)}"
    return f"there is no lint rule {rule_id[:60]!r} ({hint})"
