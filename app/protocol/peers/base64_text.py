"""Encode and decode base64 for envelopes and keys: the standard alphabet, with padding.
Errors never quote the text, which may be a secret key.
"""

from binascii import Error, a2b_base64, b2a_base64


def encode(content: bytes) -> str:
    """Return bytes as base64."""
    return b2a_base64(content, newline=False).decode()


def decode(text: str) -> bytes:
    """Return the bytes of a base64 text. Raises ``ValueError`` without quoting the text."""
    try:
        content = a2b_base64(text, strict_mode=True)
    except (Error, ValueError):  # ValueError: the text has a character that is not ASCII
        content = b""
    if encode(content) != text:  # strict_mode accepts too much padding
        raise ValueError("not base64 with the standard alphabet and padding")
    return content
