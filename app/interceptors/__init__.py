"""Components that hold or change causes and frames on their way: breakpoints and faults."""
