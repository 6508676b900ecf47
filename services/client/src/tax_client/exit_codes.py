"""The exit codes of the commands."""

DONE, INCOMPLETE, UNUSABLE = 0, 1, 2
SIGNALLED = 128  # and the number of the signal
