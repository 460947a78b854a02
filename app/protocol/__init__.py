"""The contract of the wire: pure functions and data, no asyncio, no Qt, no I/O."""
