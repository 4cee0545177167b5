#!/usr/bin/env python3
"""Signs one request and prints its headers, one a line, as `curl -H @-` takes them.

Key pair: the date and each --header are signed.
    sign.py --id ID --secret SECRET --header 'Source: shop'
Application: the method, the path behind the environment and its parameters are signed too.
    sign.py --id ID --secret SECRET --application GET '/private?b=2&a=1'

Only the standard library is needed. What is signed goes to standard error with --explain.
"""

import argparse
import base64
import hashlib
import hmac
import sys
from email.utils import formatdate


def parameters(query):
    """Sorted by name, those of one name as they stand; as they were sent, `=` only before a value."""
    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    pairs.sort(key=lambda pair: pair[0])
    return "&".join(name + (equals + value if value else "") for name, equals, value in pairs)


def text_of_key_pair(headers):
    return "\n".join(f"{name.lower()}: {value}" for name, value in headers)


def text_of_application(headers, method, target, accept):
    listed = sorted((name.lower(), value) for name, value in headers)
    path, _, query = target.partition("?")
    address = f"{path}?{parameters(query)}" if query else path
    content_type = content_md5 = ""  # of a request without a body
    lines = [f"{name}: {value}" for name, value in listed]
    return "\n".join(lines + [method, accept, content_type, content_md5, address])


def main():
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--id", required=True, help="the key's public half")
    words.add_argument("--secret", required=True, help="its secret half")
    words.add_argument("--algorithm", default="sha256", choices=["sha1", "sha256", "sha384", "sha512"])
    words.add_argument("--header", action="append", default=[], metavar="'NAME: VALUE'")
    words.add_argument("--application", nargs=2, metavar=("METHOD", "PATH"))
    words.add_argument("--explain", action="store_true", help="show what is signed")
    said = words.parse_args()

    headers = [("X-Date", formatdate(usegmt=True))]
    for header in said.header:
        name, colon, value = header.partition(":")
        if not colon:
            words.error(f"{header!r} is no header, like 'Source: shop'")
        headers.append((name.strip(), value.strip()))
    sent = list(headers)
    if said.application:
        accept = "*/*"
        text = text_of_application(headers, *said.application, accept)
        sent.append(("Accept", accept))
    else:
        text = text_of_key_pair(headers)
    if said.explain:
        print(text, file=sys.stderr)

    mac = hmac.new(said.secret.encode(), text.encode(), getattr(hashlib, said.algorithm))
    signature = base64.b64encode(mac.digest()).decode()
    names = " ".join(name.lower() for name, _ in headers)
    sent.append((
        "Authorization",
        f'hmac id="{said.id}", algorithm="hmac-{said.algorithm}", headers="{names}", signature="{signature}"',
    ))
    for name, value in sent:
        print(f"{name}: {value}")


if __name__ == "__main__":
    main()
