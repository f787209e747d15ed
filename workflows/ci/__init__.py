"""CI: what each system's jobs are told, and who they are."""
