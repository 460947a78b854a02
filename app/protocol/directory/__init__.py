"""Directory and message queue of a Supabase project, as values: addresses, keys, filters, rows and errors."""
