"""The page in a real browser: live, after the deletion, and by keyboard alone."""
import pathlib
import shutil

import pytest
from playwright.sync_api import expect, sync_playwright

from logstone import manifest, wait_until

expect.set_options(timeout=60_000)

SOURCE = """
import sys, time
for i in range(40):
    sys.stdout.write(f"\\r{i}/40")
    sys.stdout.flush()
    time.sleep(0.05)
print("\\n\\033[32mgreen\\033[0m <b>not bold</b>")
"""


@pytest.fixture
def page(request):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(60_000)
        problems = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        yield page
        folder = request.config.getoption("--screenshots")
        if folder:
            page.screenshot(path=pathlib.Path(folder) / f"{request.node.name}.png")
        browser.close()
        assert not problems


def test_a_workflow_from_running_to_deleted(logstone, page, request):
    uid = logstone.submit(manifest(SOURCE, name="shown", ttl=1))
    page.goto(logstone.url)
    page.get_by_role("link", name="shown-").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("shown-")
    assert "undefined" not in page.locator("body").inner_text()
    page.get_by_role("link", name="log", exact=True).first.click()
    log = page.locator("pre.log")
    expect(log).to_contain_text("<b>not bold</b>")
    expect(log.locator(".c32")).to_have_text("green")
    assert "39/40" in log.inner_text() and "38/40" not in log.inner_text()
    logstone.wait_for(uid, "deleted")
    page.goto(logstone.url)
    expect(page.locator(".mark.verified")).to_be_visible()
    expect(page.get_by_text("deleted from cluster")).to_be_visible()
    folder = request.config.getoption("--screenshots")
    if folder:
        page.screenshot(path=pathlib.Path(folder) / "list.png")
    page.get_by_role("link", name="shown-").first.click()
    if folder:
        expect(page.get_by_text("released").first).to_be_visible()
        page.screenshot(path=pathlib.Path(folder) / "workflow.png")
    page.get_by_role("link", name="log", exact=True).first.click()
    expect(page.get_by_text("from the archive, complete")).to_be_visible()
    expect(log).to_contain_text("green")


def test_by_keyboard(logstone, page):
    logstone.submit(manifest("print('hello from the keyboard')", name="keys"))
    page.goto(logstone.url)
    expect(page.get_by_role("link", name="keys-")).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("keys-")
    expect(page.get_by_role("link", name="log", exact=True)).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("pre.log")).to_contain_text("hello from the keyboard")
    page.keyboard.press("u")
    expect(page.get_by_role("heading", name="Steps")).to_be_visible()
    page.keyboard.press("u")
    page.keyboard.press("/")
    page.keyboard.type("nothing-like-this")
    expect(page.get_by_text("No workflow fits")).to_be_visible()


def test_what_it_is_served_with(logstone):
    logstone.up()
    status, body, headers = logstone.http("/")
    assert status == 200 and b"<title>Logstone</title>" in body
    assert "default-src 'none'" in headers["Content-Security-Policy"] or "default-src 'self'" in headers["Content-Security-Policy"]
    assert logstone.http("/", headers={"If-None-Match": headers["ETag"]})[0] == 304
    wait_until(lambda: logstone.http("/readyz")[0] == 200, "readiness")
