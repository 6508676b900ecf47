"""Start the API without its database, and print the alert e-mail that the API sends.

If the API sends no e-mail to MailHog, the script prints the server that receives the alert.
The script runs in a container of the API.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from email import message_from_string, policy
from typing import Any
from urllib.request import ProxyHandler, build_opener

from income_tax import exit_codes

PATIENCE = 20  # seconds to wait for the e-mail

is_mailed = os.environ["ALERT_VIA"] != "alertmanager"
if not is_mailed:
    print(f"ALERT_VIA is alertmanager. Look for the alert of this drill at {os.environ['ALERTMANAGER_URL']}.")
elif os.environ["SMTP_HOST"] != "mailhog":
    print(f"SMTP_HOST is {os.environ['SMTP_HOST']}. Look for the alert e-mail of this drill on that server.")
# Use port 9 of this container as the database's address, because nothing listens on this port.
crash = subprocess.run(
    [sys.executable, "-m", "income_tax", os.environ["DB"]],
    env=os.environ | {"DB_HOST": "127.0.0.1", "DB_PORT": "9", "DB_WAIT": "0", "ALERT_DRILL": "on"},
    check=False,
)
print(f"The API ended without its database, with exit code {crash.returncode} (expected {exit_codes.DATABASE}).")
if not is_mailed or os.environ["SMTP_HOST"] != "mailhog":
    sys.exit(crash.returncode != exit_codes.DATABASE)
search = f"http://{os.environ['SMTP_HOST']}:8025/api/v2/search?kind=containing&query={socket.gethostname()}"
deadline = time.monotonic() + PATIENCE
items: list[dict[str, Any]] = []
while not items and time.monotonic() < deadline:
    # Ignore connection errors and timeouts. MailHog can still be starting. A search is slow because it reads all mails.
    with contextlib.suppress(OSError), build_opener(ProxyHandler({})).open(search, timeout=5) as answer:
        items = json.load(answer)["items"]
    time.sleep(0 if items else 0.2)
if not items:
    sys.exit(f"No alert e-mail arrived within {PATIENCE} s. Check the log (make logs) and SMTP_HOST.")
mail = message_from_string(items[0]["Raw"]["Data"], policy=policy.default)
print("The alert e-mail:\n")
for name in ("Date", "From", "To", "Subject"):
    print(f"{name}: {mail[name]}")
print("", *mail.get_content().splitlines(), sep="\n")
sys.exit(crash.returncode != exit_codes.DATABASE)
