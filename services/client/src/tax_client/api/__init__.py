"""Access to the API: credentials, requests, retries, and the checks of its responses."""
