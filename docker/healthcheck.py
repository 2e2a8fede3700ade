"""Asks a process of this container whether it lives: ``healthcheck.py PORT [PATH]``, 0 if it does.

The images have no curl. Only small modules of the standard library, for it runs every few seconds.
"""

import http.client
import sys

TIMEOUT_S = 4
LONGEST_ANSWER = 1_000


def main(port: str, path: str = "/health") -> int:
    """Print what the process says if that is not 200; 0 or 1."""
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=TIMEOUT_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read(LONGEST_ANSWER)
    except OSError as error:
        print(f"{path}: {error}")
        return 1
    if answer.status == http.client.OK:
        return 0
    print(f"{path}: {answer.status} {body.decode(errors='replace')}")
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
