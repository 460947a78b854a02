"""Components that read the journal and the REST exchanges, and change nothing."""
