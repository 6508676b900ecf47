"""E-mail alerts to the administrator."""
