"""The protocol between peers: keys, fingerprints, envelopes in four dialects, and frames. Bytes in, bytes out.
PyNaCl is loaded when a key is first used.
"""
