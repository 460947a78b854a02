"""Lint: compare the traffic with the contract (the guide and the catalog's events), and report violations.
Pure: the input is the traffic in order, with its own times, so a live run and its complete recording give the same
findings.
"""
