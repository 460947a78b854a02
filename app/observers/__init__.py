"""Observers: components that read the journal and the REST exchanges, and change no traffic.
They compute the UI's expected state, measure reconnects, check the contract and make recordings. Some of them log
warnings.
"""
