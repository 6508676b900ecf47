"""HTTP Basic authentication with a login cache, a login throttle and a queue of password checks."""
