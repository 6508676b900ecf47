"""The report with pictures: one page, drawn here, that needs nothing else."""
