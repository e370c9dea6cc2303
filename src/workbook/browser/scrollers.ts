/** Boxes that are wider inside than outside: who has no mouse must be able to reach them and scroll with arrow keys. */
export function focusableScrollers(): void {
  const boxes = document.querySelectorAll<HTMLElement>(".output, .scroll, .prose pre, .source");
  const update = () => {
    for (const box of boxes) {
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  };
  update();
  addEventListener("resize", update);
}
