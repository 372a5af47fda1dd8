// What of a play is worth telling: when it began, how long it ran and stood still, at which rate.
//
// Invariant: time that passes while the viewer has paused is neither played nor stalled; a seek's
// wait is no stall of the line.

// As shared/src/video/qoe.rs has it.
export interface Report {
  startup_ms?: number;
  watched_ms: number;
  stalled_ms: number;
  stalls: number;
  kbits: number;
}

export class Quality {
  private readonly video: HTMLVideoElement;
  private wanted: number | undefined;
  private startup: number | undefined;
  private begun = false;
  private watched = 0;
  private kbits = 0;
  private stalled = 0;
  private stalls = 0;
  private stoodAt: number | undefined;
  private place: number | undefined;
  private kbps = 0;

  constructor(video: HTMLVideoElement) {
    this.video = video;
    const on = (name: string, then: () => void) => video.addEventListener(name, then);
    on("play", () => (this.wanted ??= performance.now()));
    on("playing", () => this.plays());
    on("waiting", () => this.stands());
    on("pause", () => this.moves());
    on("seeking", () => (this.place = undefined));
    on("timeupdate", () => this.passes());
    on("loadedmetadata", () => {
      // Safari plays by itself; its rate is nobody's to know.
      if (!video.paused) this.wanted ??= performance.now();
    });
  }

  // The rate of what plays from now on.
  rate(kbps: number): void {
    this.passes();
    this.kbps = kbps;
  }

  // What changed since the last time.
  take(): Report | undefined {
    this.passes();
    if (this.stoodAt !== undefined) this.moves(true);
    const report: Report = {
      watched_ms: Math.round(this.watched * 1_000),
      stalled_ms: Math.round(this.stalled),
      stalls: this.stalls,
      kbits: Math.round(this.kbits),
    };
    if (this.startup !== undefined) report.startup_ms = Math.round(this.startup);
    this.startup = undefined;
    this.watched = this.kbits = this.stalled = this.stalls = 0;
    const is = Object.values(report).some((value) => value > 0);
    return is ? report : undefined;
  }

  private plays(): void {
    if (!this.begun && this.wanted !== undefined) {
      this.begun = true;
      this.startup = performance.now() - this.wanted;
    }
    this.moves();
    this.place = this.video.currentTime;
  }

  private stands(): void {
    if (!this.begun || this.video.seeking || this.stoodAt !== undefined) return;
    this.stoodAt = performance.now();
    this.stalls += 1;
  }

  private moves(stillStands = false): void {
    if (this.stoodAt === undefined) return;
    const now = performance.now();
    this.stalled += now - this.stoodAt;
    this.stoodAt = stillStands ? now : undefined;
  }

  private passes(): void {
    const now = this.video.currentTime;
    const passed = this.place === undefined ? 0 : now - this.place;
    this.place = this.video.seeking ? undefined : now;
    // A jump is no time that was watched: an update comes four times a second.
    if (passed <= 0 || passed > 2) return;
    this.watched += passed;
    this.kbits += passed * this.kbps;
  }
}
