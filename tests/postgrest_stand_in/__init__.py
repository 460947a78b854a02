"""A stand-in for the REST interface of a Supabase project (PostgREST behind a gateway that checks API keys)."""
