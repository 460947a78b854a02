"""``companion mcp``: tools for coding agents over the control API, with the token of the agent scope."""
