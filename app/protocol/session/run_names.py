"""The names of the recordings of runs. The program records every run, and keeps this run and the one before, each
with its earlier part, if any. Commands, the control API and files use these names.
"""

THIS_RUN, THIS_RUN_EARLIER = "this-run", "this-run-earlier"
RUN_BEFORE, RUN_BEFORE_EARLIER = "run-before", "run-before-earlier"
RUNS = (THIS_RUN, THIS_RUN_EARLIER, RUN_BEFORE, RUN_BEFORE_EARLIER)
"""All names, the newest first."""
ANY_RUN = f"{', '.join(RUNS[:-1])} or {RUNS[-1]}"
"""The names in the help of an option."""
