"""Bug report bundles, without files and sockets: replace names and texts by pseudonyms, or only remove secrets and
the user's folders; write and read the ZIP archive; show it as text.
"""
