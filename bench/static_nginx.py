"""Run an nginx that returns a constant and counts the requests of the load generators."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from bench.servers import PATIENCE, answers  # noqa: E402
from tests.support.waiting import free_port, wait_until  # noqa: E402

NGINX = """
worker_processes 1;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 1000000000;
  server {{
    listen 127.0.0.1:{port};
    location = /requests {{ stub_status; }}
    location / {{ default_type application/json; return 200 '{body}'; }}
  }}
}}
"""


@contextmanager
def static_nginx(folder: Path, body: str) -> Iterator[str]:
    """Run nginx in a container on a loopback port, and yield its address. Each response contains `body`."""
    port = free_port()
    (folder / "nginx.conf").write_text(NGINX.format(port=port, body=body))
    name = f"bench-static-{os.getpid()}"
    mount = f"{folder / 'nginx.conf'}:/etc/nginx/nginx.conf:ro"
    run = ["docker", "run", "--rm", "--detach", "--name", name, "--network", "host", "--volume", mount, "nginx:1.30"]
    subprocess.run(run, check=True, stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: answers(port), PATIENCE)
        yield f"http://127.0.0.1:{port}"
    finally:
        subprocess.run(["docker", "rm", "--force", name], check=True, stdout=subprocess.DEVNULL)


def served(url: str) -> int:
    """Return the number of requests that nginx has received."""
    with build_opener(ProxyHandler({})).open(f"{url}/requests") as answer:
        found = re.search(r"^ *\d+ \d+ (\d+)", answer.read().decode(), re.MULTILINE)
    return int(found[1]) if found else sys.exit(f"{url}/requests does not contain the number of requests")
