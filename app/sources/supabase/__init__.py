"""A source that uses a Supabase project as directory of peers and as queue for messages to peers that are offline.

``source.py`` is its entry; ``client.py`` is the only module of the package that opens a connection.
"""
