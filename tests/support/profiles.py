"""The stacks of the tests. A profile is a set of settings, and all tests with the same profile share one stack.

Profiles without settings run the stack with its default settings. There are several profiles without settings, so that
their stacks run in parallel. The stacks start in the order of the profiles. The first profiles have the longest tests.
"""

SLOW = {"SLEEP_TIME": "0.4", "API_THREADS": "32"}  # SLEEP_TIME delays half of the requests, so that many are in flight
UNROTATED = {"LOG_MAX_SIZE": "1024"}  # a large size prevents a rotation during a test that counts log lines
# The tests of these stacks count log lines or mails, so nginx must not repeat a request if the test machine stalls.
SINGLE_TRY = {"RETRY_TIMEOUT": "30s"}
QUICK_ALERTS = SINGLE_TRY | {"DRILL_ROUTE": "on", "ALERT_QUIET": "1", "ALERT_REPEAT": "0"}

PROFILES: dict[str, dict[str, str]] = {
    "shipped": {},
    "clients": SINGLE_TRY,
    "operations": {},
    "faults": SLOW | UNROTATED,
    "floods": UNROTATED,
    "recycling": UNROTATED | {"MAX_REQUESTS": "100"},
    "slow_recycling": SLOW | UNROTATED | {"MAX_REQUESTS": "100"},
    "alerts": SINGLE_TRY | {"DRILL_ROUTE": "on", "ALERT_QUIET": "20", "DB_WAIT": "0"},
    "masked": QUICK_ALERTS | {"REPLICAS": "1", "MASK_AMOUNTS": "on", "LOG_MAX_SIZE": "1", "LOG_KEEP": "2"},
    "text": QUICK_ALERTS | {"REPLICAS": "1", "LOG_FORMAT": "text", "SLEEP_TIME": "0.05"},
    # These limits are so low that a test can reach them. LOG_SAMPLE omits all successful requests from the logs.
    "limits": {
        "REPLICAS": "1",
        "LOG_SAMPLE": "0",
        "CONNECTION_LIMIT": "4",
        "LARGE_BODIES": "2",
        "MAX_BODY": "3m",
        "MAX_HEADER": "2000",
        "MAX_HEADERS": "20",
        "CLIENT_TIMEOUT": "2s",
        "READ_TIMEOUT": "1s",
    },
    "small": {"REPLICAS": "1", "BATCH_MAX": "20", "RATE_LIMIT": "1r/m", "RATE_BURST": "60"},
    "tls": {"REPLICAS": "1", "TLS": "on"},
    "monitoring": {"REPLICAS": "2", "TLS": "on"},
}
