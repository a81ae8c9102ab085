/** Answers of the API: recorded ones of the demo, and what tests make of them. */
import { readFileSync } from "node:fs";

export interface Place {
  city: string;
  country: string;
  country_code: string;
  latitude: number;
  longitude: number;
  listeners: number;
  time_zone: string;
}

export interface Session {
  id: string;
  track: { id: string; title?: string; artists?: string[]; artwork_url?: string };
  window: { start: string; end: string };
  listeners: number;
  distance_km: number;
  places: Place[];
}

export interface Slot {
  slot: number;
  starts_at: string;
  ends_at: string;
  sessions: Session[];
}

export interface Latest {
  slot_ms: number;
  current: Slot;
  next?: Slot;
  recent: Slot[];
}

export const LANGUAGES = ["de", "en", "es", "fr", "ja", "pt-BR", "ru", "zh-CN"] as const;

/** What the demo answered on 24 November 2026, in a language. */
export function recorded(language: string): Latest {
  return JSON.parse(readFileSync(new URL(`recorded/${language}.json`, import.meta.url), "utf8")) as Latest;
}

/** When the recorded answer's current slot had begun, `after` milliseconds later. */
export function recordedTime(after = 1000): number {
  return Date.parse(recorded("en").current.starts_at) + after;
}

/** The answer with another current pair, and nothing to follow. */
export function withPair(change: (session: Session) => void, language = "en"): Latest {
  const { next: _, ...latest } = recorded(language);
  const [featured] = latest.current.sessions;
  if (featured) change(featured);
  return latest;
}

export function place(city: string, latitude: number, longitude: number, timeZone = "UTC"): Place {
  return { city, country: "", country_code: "", latitude, longitude, listeners: 3, time_zone: timeZone };
}

/** What the API answers at an instant when a new pair is on in every slot: the recorded ones in turn. */
export function running(now: number, slotMs: number, lead: number, language = "en"): Latest {
  const { current, recent } = recorded(language);
  const pool = [current, ...recent].flatMap(({ sessions }) => sessions.slice(0, 1));
  const slot = (number: number): Slot => {
    const start = number * slotMs;
    const session = pool[number % pool.length] as Session;
    return {
      slot: number,
      starts_at: new Date(start).toISOString(),
      ends_at: new Date(start + slotMs).toISOString(),
      sessions: [{ ...session, id: `${number}` }],
    };
  };
  const number = Math.floor(now / slotMs);
  const isAnnounced = now >= (number + 1) * slotMs - lead;
  return {
    slot_ms: slotMs,
    current: slot(number),
    ...(isAnnounced ? { next: slot(number + 1) } : {}),
    recent: Array.from({ length: 9 }, (_, i) => slot(number - 1 - i)),
  };
}
