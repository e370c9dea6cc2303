/**
 * Boxes that are wider inside than outside: who has no mouse must be able to reach them and scroll with arrow keys, and who sees them
 * must see on which side there is more (`data-more`, which frame.css shades).
 */
export function focusableScrollers(): void {
  const boxes = document.querySelectorAll<HTMLElement>(".output, .scroll, .prose pre, .source");
  const update = (box: HTMLElement) => {
    const hidden = box.scrollWidth - box.clientWidth;
    if (hidden > 0) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
    // Whole pixels: what is scrolled to its end may lack a fraction of one.
    const sides = [box.scrollLeft > 1 ? "left" : "", hidden - box.scrollLeft > 1 ? "right" : ""].filter(Boolean);
    box.dataset.more = sides.join(" ");
  };
  for (const box of boxes) {
    update(box);
    box.addEventListener("scroll", () => update(box), { passive: true });
  }
  addEventListener("resize", () => {
    for (const box of boxes) update(box);
  });
}
