"""Verifies webhook deliveries with the unmodified Python package standardwebhooks.

Reads {"secret": ..., "deliveries": [{"headers": {...}, "body": ...}]} on standard input, prints one verdict each as a
JSON list: null when the library accepts the delivery, its complaint otherwise.
"""

import json
import sys

from standardwebhooks import Webhook


def verdict(webhook: Webhook, delivery: dict) -> str | None:
    try:
        webhook.verify(delivery["body"], delivery["headers"])
        return None
    except Exception as refused:  # every complaint is the answer, whatever its class
        return f"{type(refused).__name__}: {refused}"


def main() -> None:
    asked = json.load(sys.stdin)
    webhook = Webhook(asked["secret"])
    json.dump([verdict(webhook, delivery) for delivery in asked["deliveries"]], sys.stdout)


main()
