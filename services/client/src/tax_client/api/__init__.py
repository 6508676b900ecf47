"""Access to the API: requests, responses, failures, retries."""
