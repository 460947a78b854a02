"""Read and write sessions, scripts of steps to play: lines of JSON (``*.session.jsonl``) or text (``*.chat``).

A session is a scenario that a user wrote, or a recording of what happened.
"""
