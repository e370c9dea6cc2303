// The script of a page with figures: each opens large by a click or Enter. Without it, figures are shown as they are.
import { focusableScrollers } from "./scrollers.js";
import { zoomDialog } from "./zoom.js";

/** Smaller drawings are symbols of a legend. */
const smallest = 160;

const places = ["> svg", "> img", "> figure > svg", "> div > svg"].map((place) => `.output.display ${place}`).join(",");
const open = zoomDialog();

for (const figure of document.querySelectorAll<SVGSVGElement | HTMLImageElement>(places)) {
  if (figure instanceof SVGSVGElement && figure.getBoundingClientRect().width < smallest) continue;
  const name = figure.getAttribute("aria-label") || figure.getAttribute("alt") || "Figure";
  const button = document.createElement("button");
  button.type = "button";
  button.className = "zoom-open";
  button.setAttribute("aria-label", `Enlarge the figure: ${name}`);
  button.setAttribute("aria-haspopup", "dialog");
  button.addEventListener("click", () => open(figure, name));
  const holder = document.createElement("div");
  holder.className = "zoomable";
  figure.replaceWith(holder);
  holder.append(figure, button);
}
focusableScrollers();
