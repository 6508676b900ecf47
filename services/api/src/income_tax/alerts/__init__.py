"""Alert e-mails to the administrator."""
