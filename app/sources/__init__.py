"""Components that fire events: auto-reply, played sessions, peers, Supabase, and the composer of templates.
The reconnect lab, which refuses connections instead, is here too.
"""
