"""Tell localstripe where its events go; tried until it listens."""

import os
import time
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

hook = urlencode({"url": os.environ["WEBHOOK_URL"], "secret": os.environ["WEBHOOK_SECRET"]}).encode()
for _ in range(100):
    try:
        urlopen("http://localhost:8420/_config/webhooks/platform", hook, timeout=5).close()
        break
    except URLError:
        time.sleep(0.2)
else:
    raise SystemExit("localstripe did not take its webhook within 20 s")
