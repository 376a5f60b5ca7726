# SPDX-License-Identifier: Apache-2.0
"""The page of `loewner report` in Chromium: behavior, and layout on screens, phones and paper."""

from __future__ import annotations

import base64
import io
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from loewner.reporting.data import Report
from loewner.reporting.figures import charts_of
from loewner.reporting.gather import gather
from loewner.reporting.page import page
from matplotlib.image import imread
from reported_models import model_and_output, write_evaluation
from selenium.webdriver import Chrome, ChromeOptions, ChromeService, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

WIDE, PHONE = 1280, 360
READABLE = 4.5  # WCAG 2, contrast of text at level AA
TABLE = "#all-tensors"

# Contrast of every visible text with its background.
CONTRASTS = """
const parse = text => { const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number); return { rgb: [r, g, b], a }; };
const luminance = rgb => rgb.map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
  .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
const behind = element => {
  for (let e = element; e; e = e.parentElement) {
    const { rgb, a } = parse(getComputedStyle(e).backgroundColor);
    if (a > 0) return rgb;
  }
  return [255, 255, 255];
};
const found = [];
for (const element of document.querySelectorAll("body *")) {
  const text = [...element.childNodes].filter(n => n.nodeType === 3).map(n => n.data.trim()).join("");
  if (!text || !element.checkVisibility() || element.matches("title, desc, script")) continue;
  const style = getComputedStyle(element);
  const color = parse(element instanceof SVGElement ? style.fill : style.color).rgb;
  const [low, high] = [luminance(color), luminance(behind(element))].sort((a, b) => a - b);
  found.push([text, (high + .05) / (low + .05)]);
}
return found;
"""
# Name, left, top, right and bottom of every visible block.
BOXES = """
const blocks = document.querySelectorAll("h1, h2, h3, p, dl > div, .scroll, svg, summary, pre");
return [...blocks].filter(e => e.checkVisibility() && !e.closest(".values > :not(summary)")).map(e => {
  const r = e.getBoundingClientRect();
  return [e.tagName + " " + e.textContent.slice(0, 30), r.left, r.top + scrollY, r.right, r.bottom + scrollY];
});
"""


class Browser:
    """Chromium with one page loaded."""

    def __init__(self, driver: Chrome, file: Path) -> None:
        self.driver = driver
        self.file = file

    def show(self, width: int = WIDE, *, dark: bool = False, media: str = "screen") -> None:
        """Load the page on a screen of this width and mode."""
        self._command("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._command("Emulation.setEmulatedMedia", media=media, features=[scheme])
        self.driver.get(self.file.as_uri())

    def run(self, script: str, *arguments: object) -> Any:
        return self.driver.execute_script(script, *arguments)

    def find(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def errors(self) -> list[dict[str, Any]]:
        log: list[dict[str, Any]] = self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        return [entry for entry in log if entry["level"] == "SEVERE"]

    def screenshot(self) -> np.ndarray:
        """The whole page, rows x columns x (red, green, blue) in [0, 1]."""
        height = self.run("return document.documentElement.scrollHeight")
        width = self.run("return innerWidth")
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        taken = self._command("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        return np.asarray(imread(io.BytesIO(base64.b64decode(taken["data"])), format="png")[..., :3])

    def _command(self, name: str, **options: object) -> Any:
        return self.driver.execute_cdp_cmd(name, options)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    folder = tmp_path_factory.mktemp("reported")
    model, output = model_and_output(folder)
    return gather(output, model, evaluations=[write_evaluation(folder / "eval.json")])


@pytest.fixture(scope="module")
def browser(report: Report, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    file = tmp_path_factory.mktemp("page") / "report.html"
    file.write_text(page(report), encoding="utf-8")
    options = ChromeOptions()
    options.binary_location = shutil.which("chromium") or "/usr/bin/chromium"
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for argument in ("--headless=new", "--hide-scrollbars", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    if os.geteuid() == 0:
        options.add_argument("--no-sandbox")  # Chromium's sandbox refuses root
    service = ChromeService(shutil.which("chromedriver") or "/usr/bin/chromedriver")
    with Chrome(options, service) as driver:
        yield Browser(driver, file)


def column(browser: Browser, number: int) -> list[str]:
    script = "return [...document.querySelectorAll(arguments[0])].map(cell => cell.dataset.value)"
    return [str(value) for value in browser.run(script, f"{TABLE} tbody tr > :nth-child({number})")]


def head(browser: Browser, text: str) -> tuple[WebElement, int]:
    heads = browser.all(f"{TABLE} thead th")
    number = next(i for i, element in enumerate(heads, 1) if element.text.startswith(text))
    return heads[number - 1], number


def as_numbers(values: list[str]) -> list[float]:
    return [float(value) for value in values if value != ""]


# ---- behavior ----


def test_the_console_has_no_errors(browser: Browser) -> None:
    browser.show()
    browser.run("for (const d of document.querySelectorAll('details')) d.open = true")
    assert browser.errors() == []


def test_an_injected_script_does_not_run(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "spoiled.html"
    file.write_text(browser.file.read_text().replace("</main>", "<script>window.evil = 1</script></main>"))
    browser.driver.get(file.as_uri())
    assert browser.run("return window.evil") is None
    assert "Content Security Policy" in str(browser.errors())


def test_the_table_of_tensors_fits_a_wide_screen_and_scrolls_on_a_phone(browser: Browser) -> None:
    hidden = f"const box = document.querySelector('{TABLE}').parentNode; return box.scrollWidth - box.clientWidth"
    browser.show(WIDE)
    assert browser.run(hidden) <= 0
    browser.show(PHONE)
    assert browser.run(hidden) > 0


def test_columns_sort_by_mouse(browser: Browser, report: Report) -> None:
    browser.show()
    errors = [tensor.relative_error for tensor in report.tensors]
    element, number = head(browser, "Error")
    for order, expected in (("descending", sorted(errors, reverse=True)), ("ascending", sorted(errors))):
        element.find_element(By.TAG_NAME, "button").click()
        assert as_numbers(column(browser, number)) == expected
        assert element.get_attribute("aria-sort") == order
        assert order in str(browser.find("#announce").get_attribute("textContent"))
    names, _ = head(browser, "Tensor")
    names.find_element(By.TAG_NAME, "button").click()
    assert column(browser, 1) == sorted(tensor.name for tensor in report.tensors)
    assert element.get_attribute("aria-sort") == "none" and names.get_attribute("aria-sort") == "ascending"


@pytest.mark.parametrize("key", [Keys.ENTER, Keys.SPACE])
def test_columns_sort_by_keyboard(browser: Browser, report: Report, key: str) -> None:
    browser.show()
    element, number = head(browser, "Size after")
    button = element.find_element(By.TAG_NAME, "button")
    browser.run("arguments[0].focus()", button)
    button.send_keys(key)
    assert as_numbers(column(browser, number)) == sorted((t.bytes_after for t in report.tensors), reverse=True)
    assert element.get_attribute("aria-sort") == "descending"


def test_the_tab_key_reaches_every_control_and_shows_the_focus(browser: Browser) -> None:
    browser.show()
    controls = "document.querySelectorAll('a, button, summary, [tabindex]')"
    wanted = browser.run(f"return [...{controls}].filter(e => e.checkVisibility()).length")
    seen = []
    for _ in range(wanted):
        browser.driver.switch_to.active_element.send_keys(Keys.TAB)
        seen.append(browser.driver.switch_to.active_element)
        assert seen[-1].value_of_css_property("outline-style") != "none"
    assert len({element.id for element in seen}) == wanted
    assert seen[0].get_attribute("class") == "skip"


def test_charts_have_titles_descriptions_and_the_values_of_the_data(browser: Browser, report: Report) -> None:
    browser.show()
    browser.run("for (const d of document.querySelectorAll('details')) d.open = true")
    for tensor in report.tensors:
        for chart in charts_of(tensor):
            svg = browser.find(f"svg[aria-labelledby^='{chart.key}-title']")
            assert svg.aria_role in ("img", "image")
            assert chart.title in svg.accessible_name and chart.description in svg.accessible_name
            script = "return [...arguments[0].querySelectorAll('g > path.point')].map(p => [p.dataset.x, p.dataset.y])"
            drawn = [(float(x), float(y)) for x, y in browser.run(script, svg)]
            assert drawn == [(x, y) for series in chart.series for x, y in series.points if chart.y.shows(y)]


def test_points_are_at_the_positions_of_their_values(browser: Browser, report: Report) -> None:
    """Positions on the screen are a linear function of positions on the axes."""
    browser.show()
    chart = next(iter(charts_of(max(report.tensors, key=lambda t: t.bytes_after))))
    script = """
      return [...document.querySelectorAll(`svg[aria-labelledby^='${arguments[0]}'] g > path.point`)].map(p => {
        const r = p.getBoundingClientRect();
        return [+p.dataset.x, +p.dataset.y, (r.left + r.right) / 2, (r.top + r.bottom) / 2];
      });"""
    x, y, left, top = np.array(browser.run(script, chart.key)).T
    places = np.array([(chart.x.place(a), chart.y.place(b)) for a, b in zip(x, y, strict=True)])
    for screen, place in ((left, places[:, 0]), (-top, places[:, 1])):
        slope, offset = np.polyfit(place, screen, 1)
        assert slope > 100 and np.abs(slope * place + offset - screen).max() < 1.5  # pixels


# ---- layout ----


def overlaps(boxes: list[list[Any]]) -> list[tuple[str, str]]:
    """Pairs of blocks that overlap by more than a pixel, neither inside the other."""
    found = []
    for i, (name, *a) in enumerate(boxes):
        for other, *b in boxes[i + 1 :]:
            inside = all(x <= y for x, y in zip((a[0], a[1], b[2], b[3]), (b[0], b[1], a[2], a[3]), strict=True))
            if not inside and min(a[2], b[2]) - max(a[0], b[0]) > 1 and min(a[3], b[3]) - max(a[1], b[1]) > 1:
                found.append((name, other))
    return found


@pytest.mark.parametrize("width", [PHONE, 768, WIDE])
@pytest.mark.parametrize("dark", [False, True])
def test_blocks_do_not_overlap_or_leave_the_screen(browser: Browser, width: int, dark: bool) -> None:
    browser.show(width, dark=dark)
    browser.run("for (const d of document.querySelectorAll('details')) d.open = true")
    assert browser.run("return document.documentElement.scrollWidth") <= width
    boxes = browser.run(BOXES)
    assert len(boxes) > 30
    assert overlaps(boxes) == []
    assert all(left >= 0 and right <= width for _, left, _, right, _ in boxes)
    browser.run("document.querySelector('h2').style.marginTop = '-9rem'")  # negative control
    assert overlaps(browser.run(BOXES)) != []


def test_charts_are_side_by_side_on_a_screen_and_stacked_on_a_phone(browser: Browser) -> None:
    tops = "return [...document.querySelectorAll('details[open] figure svg')].map(e => e.getBoundingClientRect().top)"
    browser.show(WIDE)
    wide = browser.run(tops)
    browser.show(PHONE)
    phone = browser.run(tops)
    assert wide[0] == wide[1] and phone[0] < phone[1] < phone[2]


@pytest.mark.parametrize("dark", [False, True])
def test_all_text_has_enough_contrast(browser: Browser, dark: bool) -> None:
    browser.show(dark=dark)
    browser.run("for (const d of document.querySelectorAll('details')) d.open = true")
    found = browser.run(CONTRASTS)
    assert len(found) > 100
    assert [entry for entry in found if entry[1] < READABLE] == []
    browser.run("document.querySelector('p').style.color = getComputedStyle(document.body).backgroundColor")
    assert min(entry[1] for entry in browser.run(CONTRASTS)) < READABLE  # negative control


def ink(picture: np.ndarray) -> np.ndarray:
    """Pixels that differ from their left or upper neighbor."""
    gray = picture.mean(axis=2)
    return np.asarray((np.abs(np.diff(gray, axis=1))[1:] > 0.08) | (np.abs(np.diff(gray, axis=0))[:, 1:] > 0.08))


def cells(picture: np.ndarray, size: int = 16) -> np.ndarray:
    """Shares of ink in the squares of a grid."""
    drawn = ink(picture)
    rows, cols = (length // size for length in drawn.shape)
    return np.asarray(drawn[: rows * size, : cols * size].reshape(rows, size, cols, size).mean(axis=(1, 3)))


def test_light_and_dark_screenshots_have_the_same_layout_in_other_colors(browser: Browser) -> None:
    browser.show()
    light = browser.screenshot()
    browser.show(dark=True)
    dark = browser.screenshot()
    assert light.shape == dark.shape
    assert light.mean() > 0.85 and dark.mean() < 0.25
    likeness = np.corrcoef(cells(light).ravel(), cells(dark).ravel())[0, 1]
    shifted = np.corrcoef(cells(light).ravel(), cells(np.roll(dark, 40, axis=0)).ravel())[0, 1]
    assert likeness > 0.9 and shifted < 0.6, (likeness, shifted)


def test_a_screenshot_of_a_phone_has_margins_and_no_empty_screen(browser: Browser) -> None:
    browser.show(PHONE)
    drawn = cells(browser.screenshot(), 8)
    assert drawn[:, [0, -1]].max() == 0  # nothing touches the edges
    screens = [part.sum() for part in np.array_split(drawn, max(1, len(drawn) // 80))]  # of 640 pixels
    assert min(screens) > 0


def test_a_printed_page_has_all_rows_and_no_controls(browser: Browser, report: Report) -> None:
    browser.show(media="print", dark=True)
    heights = """
      return [...document.querySelectorAll(arguments[0])].map(e =>
        e.checkVisibility() ? e.getBoundingClientRect().height : 0);"""
    rows = browser.run(heights, f"{TABLE} tbody tr")
    assert len(rows) == len(report.tensors) and min(rows) > 0
    charts = browser.run(heights, ".tensor svg")
    assert len(charts) == sum(len(list(charts_of(tensor))) for tensor in report.tensors) and min(charts) > 0
    for selector in (".skip", ".values", "#announce"):
        assert not any(element.is_displayed() for element in browser.all(selector)), selector
    arrow = "return getComputedStyle(document.querySelector(arguments[0]), '::after').display"
    assert browser.run(arrow, f"{TABLE} th button") == "none"
    background = browser.run("return getComputedStyle(document.body).color")
    assert background == "rgb(27, 36, 48)"  # dark ink though the screen is dark
    browser.show()
    assert browser.run(arrow, f"{TABLE} th button") != "none"
    assert min(browser.run(heights, ".tensor svg")) == 0  # negative control: on a screen some are folded
