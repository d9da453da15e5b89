"""A visitor of the demo, who signs its guestbook and leaves a picture, as a browser sends it."""

import http.cookiejar
import secrets
import urllib.request

LIMIT = 20.0
SUN = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 20"><circle cx="10" cy="10" r="8" fill="#f5b82e"/></svg>
"""


def sign(website_url: str, name: str, text: str) -> None:
    """Sign the guestbook, with a picture. Raises OSError if that is not taken."""
    cookies = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(cookies))
    with browser.open(website_url, timeout=LIMIT):
        pass
    token = next((str(one.value) for one in cookies if one.name == "csrftoken"), "")
    border = secrets.token_hex(8)
    fields = {"csrfmiddlewaretoken": token, "name": name, "text": text}
    parts = [f'Content-Disposition: form-data; name="{key}"\r\n\r\n{value}' for key, value in fields.items()]
    parts.append(f'Content-Disposition: form-data; name="picture"; filename="sun.svg"\r\n\r\n{SUN}')
    body = "".join(f"--{border}\r\n{part}\r\n" for part in parts) + f"--{border}--\r\n"
    form = {"Content-Type": f"multipart/form-data; boundary={border}"}
    with browser.open(urllib.request.Request(website_url, body.encode(), form), timeout=LIMIT):
        pass
