"""The specification's test vector for dialect A, as bytes and texts."""

from app.protocol.peers.keys import Identity

ALICE = Identity(bytes(range(0x00, 0x20)), bytes(range(0x40, 0x60)), "a" * 32)
BOB = Identity(bytes(range(0x20, 0x40)), bytes(range(0x80, 0xA0)), "b" * 32)
NONCE = bytes(range(0x64, 0x7C))
MSG_ID = "a1b2c3d4-e5f6-7890-abcd-ef1234567890"
AT = 1_770_825_600.0
"""2026-02-11T16:00:00Z"""
PLAINTEXT = b'{"text":"Hello, Bob!","msg_id":"a1b2c3d4-e5f6-7890-abcd-ef1234567890"}'
ALICE_X25519 = "j0DFrbaPJWJK5bIU6nZ6bslNgp09e14a0bpvPiE4KF8="
BOB_X25519 = "NYBy1jZYgNGu6jKa35EhODhR7SGijjt16WXQ0s0WYlQ="
ALICE_ED25519 = "JUO5L/EJVRFHatyDadtt3JM2ZaEZeN2hQE7hBmypVZ0="
CIPHERTEXT = (
    "GFtY6XNujwLTOjxEoLvwPZ6hH7HMdQyS1bgyaw9Gj7cTJWar15LyMUfPUzAFpXj7ryYZxpYkmitX9Wk1OTcUiWaPECarDuhEBXXppoIK"
    "PCPwz61Bx70="
)
SIGNATURE = "mdoksv2OalH6x1i1eODvBwbxAqDiD4LjauLKUWTJO+NPJtEFoMu73ZtJzsJ8j2pA/Qo8xWj1z+eR9jCATN5EAA=="
ENVELOPE = (
    '{"type":"message","from":"alice","to":"bob","timestamp":"2026-02-11T16:00:00Z",'
    f'"nonce":"ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7","ciphertext":"{CIPHERTEXT}","signature":"{SIGNATURE}"}}'
).encode()
