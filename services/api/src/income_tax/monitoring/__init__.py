"""Monitoring: worker metrics, service status and database checks."""
