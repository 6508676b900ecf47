"""Print the newest mails that MailHog has stored. The script runs in a container of the API."""

import json
import os
import sys
from email import message_from_string, policy
from urllib.request import ProxyHandler, build_opener

from tax_common.text_formatting import escape_controls

if not sys.argv[1].isdigit():
    sys.exit(f"LINES is [{sys.argv[1]}]; expected the number of mails")
count = int(sys.argv[1])
host = os.environ["SMTP_HOST"]
if host != "mailhog":
    sys.exit(f"SMTP_HOST is {host}. Look for the alert e-mails on that server.")
try:
    with build_opener(ProxyHandler({})).open(f"http://{host}:8025/api/v2/messages?limit={count}", timeout=20) as answer:
        items = json.load(answer)["items"]
except OSError as error:
    sys.exit(f"MailHog does not respond ({error}). Check `docker compose ps mailhog`, then try again.")
for item in sorted(items, key=lambda item: item["Created"])[-count:]:
    mail = message_from_string(item["Raw"]["Data"], policy=policy.default)
    for name in ("Date", "From", "To", "Subject"):
        print(f"{name}: {escape_controls(str(mail[name]))}")
    print("", *map(escape_controls, (mail.get_body() or mail).get_content().splitlines()), "-" * 80, sep="\n")
print(f"{len(items)} mail(s)")
