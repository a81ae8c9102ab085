/** Numbers, times and distances as the visitor writes them. */
import { type Language, localeFor, MESSAGES } from "./languages";
import type { Messages } from "./messages";
import { fill } from "./text";

/** Where distances are told in miles (CLDR: measurement systems US and UK, and by custom Liberia and Myanmar). */
const MILES = ["US", "GB", "LR", "MM"];
const KM_PER_MILE = 1.609_344;

export interface Format {
  readonly language: Language;
  readonly locale: string;
  readonly messages: Messages;
  distance(kilometres: number): string;
  /** `{n} people` in the right form. */
  listeners(count: number): string;
  /** The time of day at a place; empty when its time zone is unknown. */
  timeAt(instant: number, timeZone: string): string;
  /** The visitor's own time of day, to the second. */
  time(instant: number): string;
  /** Several names in a row. */
  list(names: readonly string[]): string;
}

export function formatFor(language: Language, wanted: readonly string[]): Format {
  const messages = MESSAGES[language];
  const locale = localeFor(language, wanted);
  const numbers = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
  const inMiles = MILES.includes(regionOf(locale));
  const distances = new Intl.NumberFormat(locale, {
    style: "unit",
    unit: inMiles ? "mile" : "kilometer",
    unitDisplay: inMiles ? "long" : "short",
    maximumFractionDigits: 0,
  });
  const plurals = new Intl.PluralRules(locale);
  const times = new Intl.DateTimeFormat(locale, { timeStyle: "medium" });
  const lists = new Intl.ListFormat(locale, { type: "unit", style: "short" });
  return {
    language,
    locale,
    messages,
    distance: (kilometres) => distances.format(inMiles ? kilometres / KM_PER_MILE : kilometres),
    listeners: (count) => {
      const form = messages.listeners[plurals.select(count)] ?? messages.listeners.other;
      return fill(form, { n: numbers.format(count) });
    },
    timeAt: (instant, timeZone) => timeAt(locale, instant, timeZone),
    time: (instant) => times.format(instant),
    list: (names) => lists.format(names),
  };
}

/** The region that a locale says, or that most who say it are of. */
export function regionOf(locale: string): string {
  try {
    return new Intl.Locale(locale).maximize().region ?? "";
  } catch {
    return "";
  }
}

/** Time zones are few, and making a format takes longer than using it. */
const zones = new Map<string, Intl.DateTimeFormat | undefined>();
const MOST_ZONES = 600;

function timeAt(locale: string, instant: number, timeZone: string): string {
  if (timeZone === "") return "";
  const key = `${locale} ${timeZone}`;
  if (!zones.has(key)) {
    if (zones.size >= MOST_ZONES) zones.clear();
    zones.set(key, zoneFormat(locale, timeZone));
  }
  return zones.get(key)?.format(instant) ?? "";
}

/** Undefined for a zone that the browser does not know. */
function zoneFormat(locale: string, timeZone: string): Intl.DateTimeFormat | undefined {
  try {
    return new Intl.DateTimeFormat(locale, { timeStyle: "short", timeZone });
  } catch {
    return undefined;
  }
}
