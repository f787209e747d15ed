"""Reports: what test tools write, read as cases within bounds."""
