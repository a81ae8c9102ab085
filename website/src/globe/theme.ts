/** The colours that the globe is drawn in: the custom properties `--globe-…` of the style sheet. */

export type Rgb = readonly [red: number, green: number, blue: number];

export interface Theme {
  readonly page: string;
  readonly halo: Rgb;
  readonly haloAlpha: number;
  readonly ocean: string;
  readonly land: string;
  readonly coast: string;
  readonly graticule: string;
  readonly night: Rgb;
  readonly nightAlpha: number;
  readonly rim: Rgb;
  readonly rimAlpha: number;
  readonly first: Rgb;
  readonly second: Rgb;
  readonly pinEdge: string;
  readonly other: string;
}

/** `read` gives the value of a custom property, `hex` a colour of any kind as `#rrggbb`. */
export function readTheme(read: (name: string) => string, hex: (colour: string) => string): Theme {
  const text = (name: string) => read(`--globe-${name}`).trim();
  const number = (name: string) => Number.parseFloat(text(name)) || 0;
  return {
    page: read("--page").trim(),
    halo: parseHex(text("halo")),
    haloAlpha: number("halo-alpha"),
    ocean: text("ocean"),
    land: text("land"),
    coast: text("coast"),
    graticule: text("graticule"),
    night: parseHex(text("night")),
    nightAlpha: number("night-alpha"),
    rim: parseHex(text("rim")),
    rimAlpha: number("rim-alpha"),
    // Where the visitor has colours of their own, these are named, not numbered.
    first: parseHex(hex(read("--first").trim())),
    second: parseHex(hex(read("--second").trim())),
    pinEdge: text("pin-edge"),
    other: text("other"),
  };
}

/** `#rrggbb`; anything else is black. */
export function parseHex(text: string): Rgb {
  const digits = /^#([0-9a-f]{6})$/i.exec(text)?.[1];
  const value = digits ? Number.parseInt(digits, 16) : 0;
  return [value >> 16, (value >> 8) & 255, value & 255];
}

export function rgba([red, green, blue]: Rgb, alpha: number): string {
  return `rgba(${red}, ${green}, ${blue}, ${alpha})`;
}
