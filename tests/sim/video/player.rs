//! A player on a measured line: a throughput rule over two averages, as hls.js has it, seeded by
//! the first variant of its manifest.
//!
//! Invariant: whatever order a manifest has, everything else is the same. Time is in milliseconds;
//! what a line carries is the trace's, which begins anew at its end.
//! Source: the traces and the film of Sabre (UMass-LIDS); hls.js, `ewma-bandwidth-estimator`.

use serde::Deserialize;

/// What a line carried for a while.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Period {
    pub(crate) duration_ms: f64,
    pub(crate) bandwidth_kbps: f64,
    pub(crate) latency_ms: f64,
}

/// A film: sizes of every segment in every rendition, in bits.
#[derive(Debug, Deserialize)]
pub(crate) struct Film {
    pub(crate) segment_duration_ms: f64,
    pub(crate) bitrates_kbps: Vec<f64>,
    pub(crate) segment_sizes_bits: Vec<Vec<f64>>,
}

/// A place in a trace.
#[derive(Clone, Debug)]
pub(crate) struct Line<'a> {
    trace: &'a [Period],
    at: usize,
    /// Milliseconds into the period.
    into_ms: f64,
}

impl<'a> Line<'a> {
    pub(crate) fn at(trace: &'a [Period], offset_ms: f64) -> Self {
        let mut line = Self { trace, at: 0, into_ms: 0.0 };
        line.pass(offset_ms);
        line
    }

    fn period(&self) -> &Period {
        &self.trace[self.at]
    }

    fn next(&mut self) {
        self.at = (self.at + 1) % self.trace.len();
        self.into_ms = 0.0;
    }

    /// Lets time pass; the bits that the line would have carried.
    pub(crate) fn pass(&mut self, mut ms: f64) -> f64 {
        let mut bits = 0.0;
        while ms > 0.0 {
            let left = self.period().duration_ms - self.into_ms;
            let step = ms.min(left);
            bits += step * self.period().bandwidth_kbps;
            ms -= step;
            self.into_ms += step;
            if step >= left {
                self.next();
            }
        }
        bits
    }

    /// Carries a segment; how long it takes.
    fn carry(&mut self, mut bits: f64) -> f64 {
        let latency = self.period().latency_ms;
        let mut took = latency;
        self.pass(latency);
        loop {
            let left = self.period().duration_ms - self.into_ms;
            let carried = left * self.period().bandwidth_kbps;
            if carried >= bits {
                let step = bits / self.period().bandwidth_kbps;
                self.into_ms += step;
                return took + step;
            }
            bits -= carried;
            took += left;
            self.next();
        }
    }
}

/// An average that forgets half within so many seconds of downloads.
struct Average {
    half_life_s: f64,
    value: f64,
    weight: f64,
}

impl Average {
    fn sample(&mut self, seconds: f64, kbps: f64) {
        let keep = 0.5_f64.powf(seconds / self.half_life_s);
        self.value = kbps * (1.0 - keep) + keep * self.value;
        self.weight += seconds;
    }

    fn value(&self) -> f64 {
        self.value / (1.0 - 0.5_f64.powf(self.weight / self.half_life_s))
    }
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) startup_ms: f64,
    pub(crate) stalled_ms: f64,
    pub(crate) played_ms: f64,
    /// Kilobits: rate times seconds of what was played.
    pub(crate) kbits: f64,
}

impl Outcome {
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            startup_ms: self.startup_ms + other.startup_ms,
            stalled_ms: self.stalled_ms + other.stalled_ms,
            played_ms: self.played_ms + other.played_ms,
            kbits: self.kbits + other.kbits,
        }
    }

    /// Of a hundred milliseconds after the first picture so many stood still.
    pub(crate) fn stalled_percent(&self) -> f64 {
        100.0 * self.stalled_ms / (self.stalled_ms + self.played_ms)
    }

    /// The same with the wait for the first picture.
    pub(crate) fn still_percent(&self) -> f64 {
        let stood = self.stalled_ms + self.startup_ms;
        100.0 * stood / (stood + self.played_ms)
    }

    pub(crate) fn kbps(&self) -> f64 {
        self.kbits / self.played_ms * 1_000.0
    }
}

/// What the player holds at most.
const BUFFER_MS_MAX: f64 = 30_000.0;
/// It wants this much of its estimate to be free.
const SAFE: f64 = 0.8;

/// Plays the film's first `segments`, begun with the rendition `first`.
pub(crate) fn play(film: &Film, line: &mut Line<'_>, first: usize, segments: usize) -> Outcome {
    let mut fast = Average { half_life_s: 3.0, value: 0.0, weight: 0.0 };
    let mut slow = Average { half_life_s: 9.0, value: 0.0, weight: 0.0 };
    let (mut out, mut buffer) = (Outcome::default(), 0.0);
    let mut level = first;
    for (n, sizes) in film.segment_sizes_bits.iter().take(segments).enumerate() {
        let wait = (buffer + film.segment_duration_ms - BUFFER_MS_MAX).max(0.0);
        line.pass(wait);
        buffer -= wait;
        out.played_ms += wait;
        let took = line.carry(sizes[level]);
        let kbps = sizes[level] / took;
        fast.sample(took / 1_000.0, kbps);
        slow.sample(took / 1_000.0, kbps);
        if n == 0 {
            out.startup_ms = took;
        } else {
            out.played_ms += took.min(buffer);
            out.stalled_ms += (took - buffer).max(0.0);
            buffer = (buffer - took).max(0.0);
        }
        buffer += film.segment_duration_ms;
        out.kbits += film.bitrates_kbps[level] * film.segment_duration_ms / 1_000.0;
        let estimate = fast.value().min(slow.value()) * SAFE;
        level = film.bitrates_kbps.iter().rposition(|rate| *rate <= estimate).unwrap_or(0);
    }
    out.played_ms += buffer;
    out
}
