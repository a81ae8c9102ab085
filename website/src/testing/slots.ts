/** Slots and answers for tests. */
import type { Latest, Place, Session, Slot } from "../api/types";

export const SLOT_MS = 5000;

export function place(city: string, latitude: number, longitude: number, timeZone = "UTC"): Place {
  return { city, country: "", latitude, longitude, listeners: 1, timeZone };
}

export function session(id: string, title: string | undefined = `Song ${id}`): Session {
  return {
    id,
    track: { id: `track-${id}`, title, artists: ["Someone"], artworkUrl: undefined },
    listeners: 12,
    distanceKm: 9876.5,
    places: [place("Lima", -12.05, -77.04, "America/Lima"), place("Osaka", 34.69, 135.5, "Asia/Tokyo")],
  };
}

/** The slot of a number: it starts SLOT_MS after the one before. */
export function slot(number: number, id = `s${number}`): Slot {
  return {
    number,
    startsAt: number * SLOT_MS,
    endsAt: (number + 1) * SLOT_MS,
    sessions: [session(id)],
  };
}

/** What the API answers at an instant at which every slot is taken. */
export function latestAt(now: number, lead = 2000): Latest {
  const number = Math.floor(now / SLOT_MS);
  const next = now >= (number + 1) * SLOT_MS - lead ? slot(number + 1) : undefined;
  const recent = Array.from({ length: 9 }, (_, i) => slot(number - 1 - i));
  return { slotMs: SLOT_MS, current: slot(number), next, recent };
}

/** As the API writes it. */
export function toJson(latest: Latest): string {
  return JSON.stringify({
    slot_ms: latest.slotMs,
    current: slotFields(latest.current),
    ...(latest.next ? { next: slotFields(latest.next) } : {}),
    recent: latest.recent.map(slotFields),
  });
}

export function slotFields(of: Slot): unknown {
  return {
    slot: of.number,
    starts_at: new Date(of.startsAt).toISOString(),
    ends_at: new Date(of.endsAt).toISOString(),
    sessions: of.sessions.map((one) => ({
      id: one.id,
      track: { id: one.track.id, title: one.track.title, artists: one.track.artists },
      listeners: one.listeners,
      distance_km: one.distanceKm,
      places: one.places.map((at) => ({
        city: at.city,
        country: at.country,
        latitude: at.latitude,
        longitude: at.longitude,
        listeners: at.listeners,
        time_zone: at.timeZone,
      })),
    })),
  };
}
