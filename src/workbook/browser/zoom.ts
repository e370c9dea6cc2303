/** A dialog that shows one figure large: buttons, wheel and keys zoom, dragging and arrow keys move, Escape closes. */

type Figure = SVGSVGElement | HTMLImageElement;

const limits = [0.1, 16];
const step = 1.25;

/** Makes the page's one dialog. The function that it returns opens a figure in it. */
export function zoomDialog(): (figure: Figure, name: string) => void {
  const dialog = document.createElement("dialog");
  dialog.className = "zoom";
  dialog.innerHTML = `<div class="zoom-bar"><h2></h2><output aria-live="polite"></output>
<button type="button" data-do="out" aria-label="Zoom out" title="Zoom out (−)">−</button>
<button type="button" data-do="in" aria-label="Zoom in" title="Zoom in (+)">+</button>
<button type="button" data-do="fit" title="Fit to the window (0)">Fit</button>
<button type="button" data-do="close" title="Close (Escape)">Close</button></div>
<div class="zoom-stage" role="group" tabindex="0"></div>`;
  document.body.append(dialog);
  const heading = dialog.querySelector("h2") as HTMLElement;
  const level = dialog.querySelector("output") as HTMLElement;
  const stage = dialog.querySelector(".zoom-stage") as HTMLElement;
  let figure: Figure | undefined;
  let size = { width: 1, height: 1 };
  let scale = 1;

  const fitting = () =>
    Math.min((stage.clientWidth - 16) / size.width, (stage.clientHeight - 16) / size.height) || limits[0];

  /** What lies under the given point of the window, or in the middle of the stage, stays there. */
  const zoomTo = (wanted: number, at?: { x: number; y: number }) => {
    if (!figure) return;
    const box = stage.getBoundingClientRect();
    const { x, y } = at ?? { x: box.left + box.width / 2, y: box.top + box.height / 2 };
    const before = figure.getBoundingClientRect();
    scale = Math.min(limits[1], Math.max(limits[0], wanted));
    figure.style.width = `${size.width * scale}px`;
    figure.style.height = `${size.height * scale}px`;
    const after = figure.getBoundingClientRect();
    stage.scrollLeft += after.left + ((x - before.left) / before.width) * after.width - x;
    stage.scrollTop += after.top + ((y - before.top) / before.height) * after.height - y;
    level.textContent = `${Math.round(scale * 100)} %`;
  };

  const actions: Record<string, () => void> = {
    in: () => zoomTo(scale * step),
    out: () => zoomTo(scale / step),
    fit: () => zoomTo(fitting()),
    close: () => dialog.close(),
  };
  const keys: Record<string, string> = { "+": "in", "=": "in", "-": "out", "−": "out", "0": "fit" };

  dialog.addEventListener("click", (event) => {
    const button = (event.target as Element).closest("button");
    if (button) actions[button.dataset.do ?? ""]?.();
    // A click beside the dialog hits the dialog itself, one inside hits what it holds.
    else if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
    event.preventDefault();
    actions[keys[event.key]]();
  });
  dialog.addEventListener("close", () => {
    stage.replaceChildren();
    figure = undefined;
  });
  stage.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const pixels = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? event.deltaY : event.deltaY * 32;
      zoomTo(scale * Math.exp(-pixels / 600), { x: event.clientX, y: event.clientY });
    },
    { passive: false },
  );
  moveByDragging(stage);

  return (original, name) => {
    figure = original.cloneNode(true) as Figure;
    size = naturalSize(original);
    if (figure instanceof SVGSVGElement && !figure.hasAttribute("viewBox")) {
      figure.setAttribute("viewBox", `0 0 ${size.width} ${size.height}`);
    }
    heading.textContent = name;
    dialog.setAttribute("aria-label", name);
    stage.setAttribute("aria-label", "The figure; arrow keys move it, + and − zoom");
    stage.replaceChildren(figure);
    dialog.showModal();
    stage.focus();
    // Never smaller than drawn: a small window shows a part of it, to be moved about, at a size that can be read.
    zoomTo(Math.max(1, fitting()));
    stage.scrollTo(0, 0);
  };
}

/** The size in pixels that a figure was drawn at, whatever it shrank to on this page. */
function naturalSize(figure: Figure): { width: number; height: number } {
  const shown = figure.getBoundingClientRect();
  if (figure instanceof HTMLImageElement) {
    return { width: figure.naturalWidth || shown.width, height: figure.naturalHeight || shown.height };
  }
  const box = figure.viewBox.baseVal;
  const side = (name: "width" | "height") => Number(figure.getAttribute(name)) || box?.[name] || shown[name];
  return { width: side("width"), height: side("height") };
}

/** With a mouse. Fingers scroll as everywhere. */
function moveByDragging(stage: HTMLElement): void {
  stage.addEventListener("pointerdown", (down) => {
    if (down.pointerType !== "mouse" || down.button !== 0) return;
    const { scrollLeft, scrollTop } = stage;
    const move = (event: PointerEvent) => {
      stage.scrollLeft = scrollLeft + down.clientX - event.clientX;
      stage.scrollTop = scrollTop + down.clientY - event.clientY;
    };
    const end = () => stage.removeEventListener("pointermove", move);
    down.preventDefault();
    stage.focus();
    stage.setPointerCapture(down.pointerId);
    stage.addEventListener("pointermove", move);
    stage.addEventListener("lostpointercapture", end, { once: true });
  });
}
