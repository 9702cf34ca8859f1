"""What keeps people from reading or hearing a page: axe-core's rules, of WCAG 2.2 A and AA and its best practices."""

from importlib.resources import files
from typing import Any

from selenium.webdriver import Chrome

_AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text()
_RUN = """
const done = arguments[0];
axe.run(document, {resultTypes: ['violations']}).then(found => done(found.violations), error => done([String(error)]));
"""


def violations(chrome: Chrome) -> list[str]:
    """Every finding: the rule, what it asks for, and the elements that do not have it."""
    chrome.execute_script(_AXE)
    found: list[Any] = chrome.execute_async_script(_RUN)
    return [f"{each['id']}: {each['help']}: {[node['target'] for node in each['nodes']][:5]}" for each in found]
