"""Peers: people with a companion of their own. Send messages to them, and handle received ones."""
