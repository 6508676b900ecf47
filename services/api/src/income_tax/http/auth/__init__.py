"""HTTP Basic authentication with a cache of credentials, a login throttle and a queue of password checks."""
