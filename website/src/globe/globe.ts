/** The globe: a canvas that fills the stage, seen through a lens that the texts leave free. */
import type { Shot } from "./camera";
import { Detail } from "./detail";
import { Painter, type Prepared, prepare } from "./draw";
import { listen } from "./interaction";
import { type Frame, frameAt, type Journey, journeyTo, refitted, type Scene, stillOf } from "./journey";
import { LabelLayer, type LabelText } from "./label-layer";
import type { Ring } from "./land";
import { browserLoopHost, Loop } from "./loop";
import { lookAt, toMatrix } from "./orientation";
import { headOf, isInSight, unitOf } from "./pins";
import { placementOf } from "./placement";
import { type Disc, project } from "./projection";
import { Quality } from "./quality";
import type { Vec3 } from "./sphere";
import { Steering } from "./steering";
import { type Elements, watchSurroundings } from "./surroundings";
import { readTheme, type Theme } from "./theme";

/** Pixels of the canvas for each CSS pixel, at most. */
const MOST_PIXELS = 2;
/** Degrees a second that the globe turns by while there is nothing to show. */
const SPIN = 4;

const NOWHERE = { left: 0, top: 0, width: 0, height: 0 };
const NOTHING: Omit<Frame, "shot"> = {
  pins: [undefined, undefined],
  ripples: [undefined, undefined],
  arc: 0,
  labels: [0, 0],
  othersAlpha: 0,
  before: 0,
  isMoving: true,
};

export class Globe {
  readonly #elements: Elements;
  readonly #context: CanvasRenderingContext2D;
  readonly #painter = new Painter();
  readonly #steering = new Steering();
  readonly #quality = new Quality();
  readonly #detail = new Detail();
  readonly #labels: LabelLayer;
  readonly #loop: Loop;
  #theme: Theme;
  #sun: Vec3 = [1, 0, 0];
  #isStill = false;
  /** The visitor's view ends when what they asked for is shown, or with the next frame. */
  #isLetGo = false;
  #placement = placementOf(NOWHERE, NOWHERE);
  /** The size changed during a journey, which was planned for another. */
  #isMisfit = false;
  #journey: Journey | undefined;
  #now: Prepared | undefined;
  #before: Prepared | undefined;
  #snapshot: HTMLCanvasElement | undefined;
  #spin: { from: number; since: number | undefined } = { from: 12, since: undefined };

  constructor(elements: Elements) {
    this.#elements = elements;
    const context = elements.canvas.getContext("2d", { alpha: false });
    if (!context) throw new Error("this browser draws no canvas");
    this.#context = context;
    this.#labels = new LabelLayer(elements.labels);
    this.#theme = this.#currentTheme();
    this.#loop = new Loop((now) => this.#draw(now), browserLoopHost);
    this.#listen();
    this.#measure();
  }

  setLand(rings: readonly Ring[]): void {
    this.#painter.setLand(rings);
    this.#loop.wake();
  }

  /** Without motion, what is new fades in. */
  setStill(isStill: boolean): void {
    if (this.#isStill === isStill) return;
    this.#isStill = isStill;
    if (isStill && this.#journey)
      this.#begin(stillOf(this.#journey.scene, this.#placement.room, performance.now()));
    this.#loop.wake();
  }

  show(scene: Scene, labels: readonly [LabelText, LabelText], sun: Vec3): void {
    const now = performance.now();
    const from = this.#shot(now);
    this.#finishLettingGo();
    this.#before = this.#now;
    this.#now = prepare(scene);
    this.#sun = sun;
    this.#labels.set(labels);
    this.#begin(
      this.#isStill
        ? stillOf(scene, this.#placement.room, now)
        : journeyTo(scene, from, this.#placement.room, now),
    );
  }

  /** The same places, named otherwise. */
  relabel(labels: readonly [LabelText, LabelText]): void {
    this.#labels.set(labels);
    this.#loop.wake();
  }

  /**
   * The visitor asked for something else: the globe leaves their hand. Not at once: the journey there, which `show`
   * begins, starts from what they see.
   */
  letGo(): void {
    this.#isLetGo = true;
    this.#loop.wake();
  }

  /** Whether the visitor holds the globe, or turned it a moment ago. */
  get isInHand(): boolean {
    return this.#steering.isInHand(performance.now());
  }

  #finishLettingGo(): void {
    if (this.#isLetGo) this.#steering.letGo();
    this.#isLetGo = false;
  }

  #begin(journey: Journey): void {
    this.#snapshot = journey.isStill && this.#journey ? copyOf(this.#elements.canvas) : undefined;
    this.#journey = journey;
    this.#isMisfit = false;
    this.#loop.wake();
  }

  #draw(now: number): boolean | number {
    this.#finishLettingGo();
    if (this.#isMisfit) this.#refit(now);
    const frame = this.#frame(now);
    const shot = this.#steering.view(frame.shot, now, this.#isStill);
    const disc = { ...this.#placement.disc, radius: this.#placement.disc.radius * shot.zoom };
    const change = this.#steering.nextChange(now);
    const isMoving = frame.isMoving || change === now;
    this.#quality.observe(now);
    const isDetailed = !isMoving || this.#quality.level === 0;
    this.#fitPixels();
    this.#painter.paint(this.#context, {
      width: this.#placement.width,
      height: this.#placement.height,
      disc,
      theme: this.#theme,
      sun: this.#sun,
      detail: this.#detail.at(now, isDetailed),
      frame: { ...frame, shot },
      now: this.#now,
      before: this.#snapshot ? undefined : this.#before,
    });
    this.#drawSnapshot(frame);
    this.#placeLabels(frame, shot, disc);
    if (!frame.isMoving) this.#snapshot = undefined;
    if (isMoving || this.#detail.isChanging(isDetailed)) return true;
    return change === undefined ? false : change - now;
  }

  #frame(now: number): Frame {
    if (this.#journey) return frameAt(this.#journey, now);
    this.#spin.since ??= now;
    const turned = this.#isStill ? 0 : ((now - this.#spin.since) / 1000) * SPIN;
    const shot = { orientation: lookAt([this.#spin.from + turned, 18]), zoom: 1 };
    return { ...NOTHING, shot, isMoving: !this.#isStill };
  }

  /** What is seen now. */
  #shot(now: number): Shot {
    return this.#steering.view(this.#frame(now).shot, now, this.#isStill);
  }

  #drawSnapshot({ before }: Frame): void {
    if (!this.#snapshot || before <= 0) return;
    this.#context.globalAlpha = before;
    this.#context.drawImage(this.#snapshot, 0, 0, this.#placement.width, this.#placement.height);
    this.#context.globalAlpha = 1;
  }

  #placeLabels(frame: Frame, shot: Shot, disc: Disc): void {
    if (!this.#now) return;
    const matrix = toMatrix(shot.orientation);
    const { scene, arc } = this.#now;
    const { first, second } = scene;
    const line = arc.map((point) => project(matrix, disc, point)).filter(({ visible }) => visible);
    const anchors = [first, second].map((place) =>
      isInSight(matrix, disc, place) ? headOf(matrix, disc, place) : undefined,
    );
    this.#labels.place(anchors, frame.labels, this.#placement.bounds, line, unitOf(this.#placement.disc));
  }

  #listen(): void {
    const now = () => performance.now();
    const steered = (move: (from: Shot, at: number) => void) => {
      move(this.#shot(now()), now());
      this.#loop.wake();
    };
    listen(
      this.#elements.lens,
      {
        hold: () => steered((from, at) => this.#steering.hold(from, at)),
        release: () => steered((_, at) => this.#steering.release(at)),
        turn: (east, north) => steered((from, at) => this.#steering.turn(from, east, north, at)),
        zoom: (factor) => steered((from, at) => this.#steering.zoom(from, factor, at)),
      },
      () => this.#placement.disc.radius * this.#shot(now()).zoom,
    );
    watchSurroundings(this.#elements, {
      placed: () => this.#measure(),
      coloured: () => {
        this.#theme = this.#currentTheme();
        this.#loop.wake();
      },
      seen: (isSeen) => this.#loop.setVisible(isSeen),
    });
  }

  #measure(): void {
    const stage = this.#elements.stage.getBoundingClientRect();
    const lens = this.#elements.lens.getBoundingClientRect();
    this.#placement = placementOf(stage, lens);
    this.#labels.measure();
    this.#quality.reset();
    this.#refit(performance.now());
    this.#loop.wake();
  }

  /** What is at rest is seen from where it fits; what moves, when it has come to rest. */
  #refit(now: number): void {
    this.#isMisfit = this.#journey !== undefined && now < this.#journey.end;
    if (!this.#journey || this.#isMisfit) return;
    this.#journey = refitted(this.#journey, this.#placement.room);
  }

  /** Gives the canvas as many pixels as it is to have; that also empties it. */
  #fitPixels(): void {
    const { canvas } = this.#elements;
    const most = this.#quality.level > 1 ? 1 : MOST_PIXELS;
    const ratio = Math.min(most, window.devicePixelRatio || 1);
    const [width, height] = [
      Math.round(this.#placement.width * ratio),
      Math.round(this.#placement.height * ratio),
    ];
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    this.#context.setTransform(ratio, 0, 0, ratio, 0, 0);
  }

  #currentTheme(): Theme {
    const style = getComputedStyle(document.documentElement);
    const context = this.#context;
    const hex = (colour: string) => {
      context.fillStyle = colour;
      return `${context.fillStyle}`;
    };
    return readTheme((name) => style.getPropertyValue(name), hex);
  }
}

function copyOf(canvas: HTMLCanvasElement): HTMLCanvasElement {
  const copy = document.createElement("canvas");
  copy.width = canvas.width;
  copy.height = canvas.height;
  copy.getContext("2d")?.drawImage(canvas, 0, 0);
  return copy;
}
