"""Tests of the source that uses a Supabase project, with a stand-in for PostgREST."""
