"""Picture files with labels: in a folder for each label, or listed in a table."""
