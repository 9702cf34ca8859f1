"""Finds text that is hard to read: WCAG 2.2, success criterion 1.4.3, level AA."""

from selenium.webdriver import Chrome

_SCRIPT = """
const numbers = color => color.match(/[\\d.]+/g).map(Number);
const light = color => {
  const [r, g, b] = color.map(part => part / 255).map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const behind = element => {
  for (let each = element; each; each = each.parentElement) {
    const [r, g, b, a = 1] = numbers(getComputedStyle(each).backgroundColor);
    if (a > 0) return [r, g, b];
  }
  return [255, 255, 255];
};
const inPicture = text => {
  const at = text.getBoundingClientRect(), x = (at.left + at.right) / 2, y = (at.top + at.bottom) / 2;
  const boxes = [...text.ownerSVGElement.querySelectorAll('rect')].filter(each => {
    const box = each.getBoundingClientRect();
    return box.left <= x && x <= box.right && box.top <= y && y <= box.bottom
      && getComputedStyle(each).fill !== 'none';
  });
  return boxes.length ? numbers(getComputedStyle(boxes.at(-1)).fill).slice(0, 3) : behind(text.ownerSVGElement);
};
const found = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let node = walker.nextNode(); node; node = walker.nextNode()) {
  const element = node.parentElement;
  if (!node.textContent.trim() || !element.getClientRects().length || element.closest('title, desc')) continue;
  const style = getComputedStyle(element), svg = element instanceof SVGElement;
  const ink = light(numbers(svg ? style.fill : style.color)), page = light(svg ? inPicture(element) : behind(element));
  const ratio = (Math.max(ink, page) + 0.05) / (Math.min(ink, page) + 0.05);
  if (ratio < 4.5) found.push(`${ratio.toFixed(2)} ${element.tagName}: ${node.textContent.trim().slice(0, 40)}`);
}
return found;
"""


def low_contrast(chrome: Chrome) -> list[str]:
    """Every shown text whose contrast with what lies behind it is below 4.5 to 1."""
    found: list[str] = chrome.execute_script(_SCRIPT)
    return found
