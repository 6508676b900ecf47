"""Where the data lies: tax schedules in a database, users in a file."""
