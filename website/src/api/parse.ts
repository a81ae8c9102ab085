/**
 * From JSON to the types of the page. What is not as agreed is left out: a session without two places, a slot without a
 * session, an answer without a current slot. Nothing is thrown, so that one odd record cannot take the page down.
 */
import type { Latest, Place, Session, Slot, Track } from "./types";

/** Milliseconds that a slot can last. */
const SHORTEST_SLOT = 500;
const LONGEST_SLOT = 3_600_000;
const USUAL_SLOT = 5000;

type Fields = Readonly<Record<string, unknown>>;

/** Of the body of `/api/latest`; undefined when there is nothing in it that can be shown. */
export function parseLatest(text: string): Latest | undefined {
  const fields = fieldsOf(json(text));
  const current = fields && slotOf(fields.current);
  if (!fields || !current) return undefined;
  return {
    slotMs: slotLength(finite(fields.slot_ms)) ?? slotLength(current.endsAt - current.startsAt) ?? USUAL_SLOT,
    current,
    next: slotOf(fields.next),
    recent: list(fields.recent).flatMap((slot) => slotOf(slot) ?? []),
  };
}

/** Of the data of an event of `/api/stream`. */
export function parseSlot(text: string): Slot | undefined {
  return slotOf(json(text));
}

/** Of the body of `/api/time`. */
export function parseTime(text: string): number | undefined {
  return positive(fieldsOf(json(text))?.now_ms);
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function slotOf(value: unknown): Slot | undefined {
  const fields = fieldsOf(value);
  const number = fields && finite(fields.slot);
  const startsAt = fields && instant(fields.starts_at);
  const endsAt = fields && instant(fields.ends_at);
  const [first, ...others] = list(fields?.sessions).flatMap((session) => sessionOf(session) ?? []);
  if (number === undefined || startsAt === undefined || endsAt === undefined || !first) return undefined;
  if (endsAt - startsAt > LONGEST_SLOT) return undefined;
  return { number, startsAt, endsAt: Math.max(startsAt, endsAt), sessions: [first, ...others] };
}

function sessionOf(value: unknown): Session | undefined {
  const fields = fieldsOf(value);
  if (!fields) return undefined;
  const track = trackOf(fields.track);
  const [first, second, ...others] = list(fields.places).flatMap((place) => placeOf(place) ?? []);
  if (!track || !first || !second) return undefined;
  return {
    id: text(fields.id) ?? "",
    track,
    listeners: Math.max(0, Math.round(finite(fields.listeners) ?? 0)),
    distanceKm: Math.max(0, finite(fields.distance_km) ?? 0),
    places: [first, second, ...others],
  };
}

function trackOf(value: unknown): Track | undefined {
  const fields = fieldsOf(value);
  const id = text(fields?.id);
  if (!fields || id === undefined) return undefined;
  return {
    id,
    title: text(fields.title),
    artists: list(fields.artists).flatMap((artist) => text(artist) ?? []),
    artworkUrl: text(fields.artwork_url),
  };
}

function placeOf(value: unknown): Place | undefined {
  const fields = fieldsOf(value);
  const latitude = finite(fields?.latitude);
  const longitude = finite(fields?.longitude);
  if (!fields || latitude === undefined || longitude === undefined) return undefined;
  if (Math.abs(latitude) > 90 || Math.abs(longitude) > 180) return undefined;
  const country = text(fields.country) ?? "";
  return {
    city: text(fields.city) ?? (country || degrees(latitude, longitude)),
    country,
    latitude,
    longitude,
    listeners: Math.max(0, Math.round(finite(fields.listeners) ?? 0)),
    timeZone: text(fields.time_zone) ?? "",
  };
}

/** What a place without any name is called. */
function degrees(latitude: number, longitude: number): string {
  const part = (value: number, positive: string, negative: string) =>
    `${Math.abs(value).toFixed(1)}°${value < 0 ? negative : positive}`;
  return `${part(latitude, "N", "S")} ${part(longitude, "E", "W")}`;
}

function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A text with something in it, without what would not be seen at its ends. */
function text(value: unknown): string | undefined {
  const trimmed = typeof value === "string" ? value.trim() : "";
  return trimmed === "" ? undefined : trimmed;
}

function finite(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

function positive(value: unknown): number | undefined {
  const number = finite(value);
  return number !== undefined && number > 0 ? number : undefined;
}

function slotLength(milliseconds: number | undefined): number | undefined {
  const isPossible =
    milliseconds !== undefined && milliseconds >= SHORTEST_SLOT && milliseconds <= LONGEST_SLOT;
  return isPossible ? milliseconds : undefined;
}

function instant(value: unknown): number | undefined {
  return typeof value === "string" ? finite(Date.parse(value)) : undefined;
}
