"""HTTP Basic authentication, its cache, its throttle and its queue of password checks."""
