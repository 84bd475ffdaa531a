"""A real browser that sees no network, for tests of pages; tests that need it are skipped, and say so, where none is installed."""

import json
import shutil

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
)
OFFLINE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"


class Browser:
    """Opens pages, runs scripts in them, and knows what was asked of the network and said on the console."""

    def __init__(self, width=1440, height=1000):
        from selenium import webdriver
        from selenium.webdriver.chrome.options import Options
        from selenium.webdriver.chrome.service import Service

        options = Options()
        options.binary_location = CHROMIUM
        for flag in (*FLAGS, OFFLINE, f"--window-size={width},{height}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(DRIVER))
        self.driver.set_script_timeout(60)

    def open(self, address):
        """Open a page; return when it has started."""
        self.driver.get_log("browser"), self.driver.get_log("performance")
        self.driver.get(address)
        self.wait("window.pmsl && window.pmsl.started")

    def wait(self, condition, seconds=20):
        done = f"(f => {{ const t = setInterval(() => {{ if ({condition}) {{ clearInterval(t); f(true); }} }}, 5); }})(arguments[0])"
        self.driver.set_script_timeout(seconds)
        return self.driver.execute_async_script(done)

    def run(self, script, *words):
        """Return what the async body of a function gives, called with `words` as ``w``."""
        self.driver.set_script_timeout(120)
        body = f"const w = arguments[0], done = arguments[1]; (async () => {{ {script} }})().then(done, e => done('failed: ' + e.stack));"
        return self.driver.execute_async_script(body, words)

    def requests(self):
        """Addresses that were asked for since the page was opened, but those of its own bytes."""
        said = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        asked = [m["params"]["request"]["url"] for m in said if m["method"] == "Network.requestWillBeSent"]
        return [url for url in asked if not url.startswith(("data:", "blob:"))]

    def errors(self):
        """What the console says that is an error."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]


@pytest.fixture(scope="session")
def browser():
    if CHROMIUM is None or DRIVER is None:
        pytest.skip("no chromium and chromedriver here: the page is not tested in a browser")
    pytest.importorskip("selenium")
    opened = Browser()
    yield opened
    opened.driver.quit()
