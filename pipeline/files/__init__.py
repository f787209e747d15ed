"""Files: what users name and what davy writes, through no link and within bounds."""
