/**
 * What happens on the globe when a pair is shown: the camera flies there, two pins fall, an arc grows from one to the
 * other. A journey is made once; everything about a frame is a pure function of it and the time. All times are in
 * milliseconds.
 */
import { flightTime, type Room, type Shot, shotsOf, wideShotOf } from "./camera";
import { bounce, clamp01, easeInOut, easeOut, shareOf } from "./easing";
import { slerp } from "./orientation";
import type { Vec3 } from "./sphere";

/** What is shown of a slot. */
export interface Scene {
  readonly first: Vec3;
  readonly second: Vec3;
  /** Where else the featured song was started. */
  readonly places: readonly Vec3[];
  /** The other sessions of the slot. */
  readonly others: readonly (readonly [Vec3, Vec3])[];
}

/** One stretch of a flight. */
interface Leg {
  readonly start: number;
  readonly end: number;
  readonly from: Shot;
  readonly to: Shot;
}

export interface Journey {
  readonly scene: Scene;
  readonly start: number;
  readonly end: number;
  readonly legs: readonly Leg[];
  /** When the pins begin to fall. */
  readonly falls: readonly [number, number];
  readonly arc: readonly [start: number, end: number];
  /** Without motion, the picture before fades into this one. */
  readonly isStill: boolean;
}

export interface Frame {
  readonly shot: Shot;
  /** Heights of the pins: 1 where they begin to fall, 0 on the ground; undefined before. */
  readonly pins: readonly [number | undefined, number | undefined];
  /** Rings around where the pins fell: the share of their time that has passed, if they are to be seen. */
  readonly ripples: readonly [number | undefined, number | undefined];
  /** How much of the arc is there. */
  readonly arc: number;
  readonly labels: readonly [number, number];
  /** Of the other places and sessions. */
  readonly othersAlpha: number;
  /** Of the picture before this one. */
  readonly before: number;
  /** Whether the next frame differs. */
  readonly isMoving: boolean;
}

const FALL = 700;
/** The share of the fall at which a pin first touches the ground. */
const TOUCH = 0.6;
const RIPPLE = 900;
const GROW = 1150;
const TRAVEL = 1500;
const LABEL = 350;
const FADE = 450;

/** The journey to a scene from wherever the camera is. */
export function journeyTo(scene: Scene, from: Shot, room: Room, now: number): Journey {
  const [shot, secondShot] = shotsOf(scene.first, scene.second, room);
  const arrival = now + flightTime(from.orientation, shot.orientation);
  const flight: Leg = { start: now, end: arrival, from, to: shot };
  const firstFall = now + (arrival - now) * 0.6;
  if (!secondShot) {
    const arcStart = firstFall + FALL * TOUCH;
    const falls = [firstFall, firstFall + 160] as const;
    return finish(scene, now, [flight], falls, [arcStart, arcStart + GROW], false);
  }
  const departure = Math.max(arrival, firstFall + FALL * 0.8);
  const travel: Leg = { start: departure, end: departure + TRAVEL, from: shot, to: secondShot };
  const falls = [firstFall, travel.end - FALL] as const;
  return finish(scene, now, [flight, travel], falls, [departure - 200, travel.end - FALL * 0.3], false);
}

/** The same without motion: all is there at once, seen from where all can be seen. */
export function stillOf(scene: Scene, room: Room, now: number): Journey {
  const shot = wideShotOf(scene.first, scene.second, room);
  const leg: Leg = { start: now, end: now, from: shot, to: shot };
  return finish(scene, now, [leg], [now - FALL, now - FALL], [now, now], true);
}

/** A journey that is over, for a room of another size: what is shown stays, from where it fits now. */
export function refitted(journey: Journey, room: Room): Journey {
  const { first, second } = journey.scene;
  const shots = shotsOf(first, second, room);
  const to = journey.isStill ? wideShotOf(first, second, room) : (shots[1] ?? shots[0]);
  return { ...journey, legs: [{ start: journey.end, end: journey.end, from: to, to }] };
}

function finish(
  scene: Scene,
  start: number,
  legs: readonly Leg[],
  falls: Journey["falls"],
  arc: Journey["arc"],
  isStill: boolean,
): Journey {
  const lastPin = Math.max(...falls) + FALL * TOUCH + RIPPLE;
  const end = isStill ? start + FADE : Math.max(lastPin, arc[1], ...legs.map((leg) => leg.end));
  return { scene, start, end, legs, falls, arc, isStill };
}

export function frameAt(journey: Journey, now: number): Frame {
  const { falls, arc, isStill, start, end } = journey;
  const fading = shareOf(now, start, FADE);
  const pin = (fall: number) => (now < fall ? undefined : 1 - bounce(shareOf(now, fall, FALL)));
  const ripple = (fall: number) => {
    const share = (now - fall - FALL * TOUCH) / RIPPLE;
    return isStill || share <= 0 || share >= 1 ? undefined : share;
  };
  const label = (fall: number) => (isStill ? 1 : shareOf(now, fall + FALL * TOUCH, LABEL));
  return {
    shot: shotAt(journey, now),
    pins: [pin(falls[0]), pin(falls[1])],
    ripples: [ripple(falls[0]), ripple(falls[1])],
    arc: easeInOut(shareOf(now, arc[0], arc[1] - arc[0])),
    labels: [label(falls[0]), label(falls[1])],
    othersAlpha: isStill ? 1 : clamp01((now - start - FADE) / FADE),
    before: 1 - easeOut(fading),
    isMoving: now < end,
  };
}

function shotAt({ legs }: Journey, now: number): Shot {
  const leg = legs.find(({ end }) => now < end) ?? (legs[legs.length - 1] as Leg);
  return between(leg.from, leg.to, easeInOut(shareOf(now, leg.start, leg.end - leg.start)));
}

/** The view that lies `share` of the way from one to another. */
export function between(from: Shot, to: Shot, share: number): Shot {
  return {
    orientation: slerp(from.orientation, to.orientation, share),
    zoom: from.zoom + (to.zoom - from.zoom) * share,
  };
}
