"""History: the record of a run of suites, where it is kept, and what many of them say."""
