"""Events that are defined by files instead of code: parse and check a file, and validate data against its schema.
Files may define new events or extend built-in ones. ``parse.parse_event_file`` is the entry point.
"""
