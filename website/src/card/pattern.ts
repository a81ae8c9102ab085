/**
 * Artwork for tracks that have none: a pattern that a track's id decides, so that the same song looks alike on every
 * screen. Pure: ids in, shapes out, in a square of 100 by 100.
 */

export interface Shape {
  /** Data of an SVG path. */
  readonly path: string;
  readonly fill: string;
  readonly opacity: number;
}

export interface Pattern {
  readonly background: string;
  readonly shapes: readonly Shape[];
}

/** Ground first, then what is printed on it: inks that go together, as on record sleeves. */
const PALETTES: readonly (readonly [string, string, string, string])[] = [
  ["#1d3557", "#f4a261", "#e9c46a", "#a8dadc"],
  ["#3d1d3d", "#ff7f6a", "#ffd166", "#b8a1ff"],
  ["#0f3d3e", "#e2c391", "#f4f1de", "#5fb49c"],
  ["#f2e8d5", "#d1495b", "#30638e", "#edae49"],
  ["#22223b", "#c9ada7", "#f2e9e4", "#9a8c98"],
  ["#e8d8c3", "#1b4965", "#ca6702", "#62929e"],
  ["#40221f", "#ffb997", "#f67e7d", "#f4dfd0"],
  ["#10312b", "#f6bd60", "#f28482", "#84a59d"],
];

type Random = () => number;
type Motif = (inks: readonly string[], random: Random) => readonly Shape[];

const MOTIFS: readonly Motif[] = [rings, waves, tiles, horizon, bars];

export function patternFor(trackId: string): Pattern {
  const random = generator(hash(trackId));
  const palette = pick(PALETTES, random);
  const [background, ...inks] = palette;
  return { background, shapes: pick(MOTIFS, random)(shuffled(inks, random), random) };
}

/** Half circles around two middles, like grooves. */
function rings(inks: readonly string[], random: Random): readonly Shape[] {
  const turned = random() < 0.5;
  return [0, 1].flatMap((side) =>
    [46, 37, 28, 19, 10].map((radius, i) => {
      const shift = side === 0 ? 0 : 9;
      const path = turned
        ? `M${50 - radius} ${50 + shift - 4.5}a${radius} ${radius} 0 0 ${side === 0 ? 1 : 0} ${2 * radius} 0z`
        : `M${50 + shift - 4.5} ${50 - radius}a${radius} ${radius} 0 0 ${side === 0 ? 0 : 1} 0 ${2 * radius}z`;
      return { path, fill: ink(inks, i + side), opacity: 1 };
    }),
  );
}

/** Bands that swing, one over the other. */
function waves(inks: readonly string[], random: Random): readonly Shape[] {
  const phase = random() * 2 * Math.PI;
  const swing = 5 + random() * 7;
  return Array.from({ length: 6 }, (_, i) => {
    const base = 22 + i * 14;
    const points = Array.from({ length: 21 }, (_, step) => {
      const x = step * 5;
      const y = base + swing * Math.sin(phase + i * 0.9 + (x / 100) * 2 * Math.PI);
      return `${x} ${round(y)}`;
    });
    return { path: `M${points.join("L")}L100 100L0 100z`, fill: ink(inks, i), opacity: 0.92 };
  });
}

/** Quarter circles in a grid. */
function tiles(inks: readonly string[], random: Random): readonly Shape[] {
  const side = 25;
  return Array.from({ length: 16 }, (_, i) => {
    const [x, y] = [(i % 4) * side, Math.floor(i / 4) * side];
    const corners = [
      `M${x} ${y}h${side}a${side} ${side} 0 0 1 ${-side} ${side}z`,
      `M${x + side} ${y}v${side}a${side} ${side} 0 0 1 ${-side} ${-side}z`,
      `M${x + side} ${y + side}h${-side}a${side} ${side} 0 0 1 ${side} ${-side}z`,
      `M${x} ${y + side}v${-side}a${side} ${side} 0 0 1 ${side} ${side}z`,
    ];
    return { path: pick(corners, random), fill: pick(inks, random), opacity: 1 };
  });
}

/** A sun over water. */
function horizon(inks: readonly string[], random: Random): readonly Shape[] {
  const x = 34 + random() * 32;
  const radius = 20 + random() * 8;
  const sun = `M${round(x - radius)} 50a${round(radius)} ${round(radius)} 0 0 1 ${round(2 * radius)} 0z`;
  const water = Array.from({ length: 7 }, (_, i) => {
    const width = radius * 2 * (0.95 - i * 0.11) + random() * 8;
    const start = x - width / 2 + (random() - 0.5) * 8;
    return {
      path: `M${round(start)} ${54 + i * 6}h${round(width)}v${round(3.4 - i * 0.3)}h${-round(width)}z`,
      fill: ink(inks, i < 3 ? 0 : 1),
      opacity: 1,
    };
  });
  return [{ path: sun, fill: ink(inks, 0), opacity: 1 }, ...water];
}

/** Bars of sound. */
function bars(inks: readonly string[], random: Random): readonly Shape[] {
  return Array.from({ length: 9 }, (_, i) => {
    const height = 14 + random() * 58;
    const top = 50 - height / 2;
    const x = 9.5 + i * 9;
    return {
      path: `M${x} ${round(top + 3)}a3 3 0 0 1 6 0v${round(height - 6)}a3 3 0 0 1 -6 0z`,
      fill: ink(inks, Math.floor(random() * inks.length)),
      opacity: 1,
    };
  });
}

function ink(inks: readonly string[], index: number): string {
  return inks[index % inks.length] ?? "#ffffff";
}

function pick<T>(from: readonly T[], random: Random): T {
  return from[Math.min(from.length - 1, Math.floor(random() * from.length))] as T;
}

function shuffled(inks: readonly string[], random: Random): readonly string[] {
  const start = Math.floor(random() * inks.length);
  return inks.map((_, i) => ink(inks, i + start));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** FNV-1a of the UTF-16 units: 32 bits. */
function hash(text: string): number {
  let state = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193);
  return state >>> 0;
}

/** Mulberry32: a small generator whose numbers are good enough for pictures. */
function generator(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
