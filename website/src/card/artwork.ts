/** The picture of a track. */
import type { Track } from "../api/types";
import { patternFor } from "./pattern";

const SVG = "http://www.w3.org/2000/svg";

/**
 * A picture that is the site's own is shown; of one from elsewhere the visitor's browser would tell that host who is here,
 * so that the pattern stands in for it. A `blob:` address has an origin too, and is no picture of the site.
 */
export function ownArtwork(url: string | undefined, origin: string): string | undefined {
  if (url === undefined) return undefined;
  try {
    const resolved = new URL(url, origin);
    const isWeb = resolved.protocol === "https:" || resolved.protocol === "http:";
    return isWeb && resolved.origin === origin ? resolved.href : undefined;
  } catch {
    return undefined;
  }
}

export function artworkOf(track: Track): Element {
  const url = ownArtwork(track.artworkUrl, location.origin);
  if (url === undefined) return patternElement(track.id);
  const image = new Image();
  image.alt = "";
  image.decoding = "async";
  image.addEventListener("error", () => image.replaceWith(patternElement(track.id)), { once: true });
  image.src = url;
  return image;
}

function patternElement(trackId: string): Element {
  const { background, shapes } = patternFor(trackId);
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 100 100");
  svg.setAttribute("preserveAspectRatio", "xMidYMid slice");
  svg.setAttribute("aria-hidden", "true");
  const ground = { path: "M0 0h100v100H0z", fill: background, opacity: 1 };
  for (const { path, fill, opacity } of [ground, ...shapes]) {
    const element = document.createElementNS(SVG, "path");
    element.setAttribute("d", path);
    element.setAttribute("fill", fill);
    if (opacity < 1) element.setAttribute("opacity", `${opacity}`);
    svg.append(element);
  }
  return svg;
}
