"""Sessions: scenarios and recordings, as lines of JSON (``*.session.jsonl``) and as transcripts (``*.chat``)."""
