"""What people and their browsers read: the description of the API, its page, the simulator, the operator's page."""

from flask import Flask

from income_tax.bootstrap import Services
from income_tax.http.auth.basic_auth import LoginRequired
from income_tax.http.openapi import document

from . import api_docs, operator, rendering, simulator


def register(app: Flask, services: Services, login_required: LoginRequired) -> None:
    """Register the pages and their files."""
    batch_max = services.settings.batch_max
    app.register_blueprint(document.blueprint(services.schedules, login_required, batch_max))
    app.register_blueprint(api_docs.blueprint(login_required))
    app.register_blueprint(simulator.blueprint(services.schedules, login_required, batch_max))
    app.register_blueprint(operator.blueprint(services, login_required))
    app.register_blueprint(rendering.blueprint(login_required))
