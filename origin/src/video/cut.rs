//! An encoder's file, cut into segments: each an object, with its length and its key frame's.
//!
//! Invariant: segments follow one another without a gap, every one of a picture begins with a
//! key frame, and its moment is the presentation's.
//! Refused: a file that does not give what was planned.

use shared::video::fragment::{self, HEAD_BYTES, Head, Sample};
use shared::video::rendition::Segment;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufReader, ErrorKind, Read};
use std::path::Path;

/// A fragment of an encoder is at most this long: 10 s at 400 Mbit/s.
const FRAGMENT_BYTES_MAX: u32 = 512 << 20;

/// Why a file is none of ours, or not what was planned.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("the encoder's file is not readable: {0}")]
    Form(&'static str),
    #[error("a segment has {found} frames instead of {wanted}")]
    Frames { found: u64, wanted: u64 },
}

/// Samples, and their bytes one after the other.
type Fragment = (Vec<Sample>, Vec<u8>);

/// Reads a file, fragment by fragment.
#[derive(Debug)]
struct Fragments {
    file: BufReader<File>,
    init: Vec<u8>,
}

impl Fragments {
    fn open(path: &Path) -> Result<Self, Error> {
        let mut all = Self { file: BufReader::new(File::open(path)?), init: Vec::new() };
        // `ftyp` and `moov` come first, in this order.
        while let Some(head) = all.head()? {
            let body = all.body(head)?;
            all.init.extend((head.length + HEAD_BYTES as u32).to_be_bytes());
            all.init.extend(head.kind);
            all.init.extend(body);
            if &head.kind == b"moov" {
                return Ok(all);
            }
        }
        Err(Error::Form("it has no moov"))
    }

    fn head(&mut self) -> Result<Option<Head>, Error> {
        let mut bytes = [0; HEAD_BYTES];
        match self.file.read_exact(&mut bytes) {
            Ok(()) => Head::read(&bytes).map(Some).ok_or(Error::Form("a box has no length")),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn body(&mut self, head: Head) -> Result<Vec<u8>, Error> {
        if head.length > FRAGMENT_BYTES_MAX {
            return Err(Error::Form("a box is too long"));
        }
        let mut bytes = vec![0; head.length as usize];
        self.file.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// The next fragment: its samples, and their bytes one after the other.
    fn next(&mut self) -> Result<Option<Fragment>, Error> {
        let mut samples = None;
        while let Some(head) = self.head()? {
            let body = self.body(head)?;
            match &head.kind {
                b"moof" => samples = fragment::samples(&body),
                b"mdat" => {
                    let samples = samples.ok_or(Error::Form("an mdat without a moof"))?;
                    let bytes: u64 = samples.iter().map(|each| u64::from(each.size)).sum();
                    if bytes > body.len() as u64 {
                        return Err(Error::Form("an mdat is too short"));
                    }
                    return Ok(Some((samples, body)));
                }
                _ => {}
            }
        }
        Ok(None)
    }
}

/// A segment's object.
#[derive(Debug)]
pub struct Object {
    pub number: u32,
    pub bytes: Vec<u8>,
    pub segment: Segment,
}

/// What a file is cut by.
#[derive(Clone, Copy, Debug)]
pub enum By<'a> {
    /// A picture: the frames of each segment; of the last, when `is_open`, whatever comes.
    Frames { frames: &'a [u32], ticks: u32, is_open: bool },
    /// A sound: the frame at which each segment begins, and the end of the last.
    Sound { cuts: &'a [u64] },
}

/// What a file is to become.
#[derive(Clone, Copy, Debug)]
pub struct Want<'a> {
    pub by: By<'a>,
    /// The number of the first segment in its rendition.
    pub number: u32,
    /// The moment of its first sample, in the track's timescale.
    pub at: u64,
}

/// Cuts one file, a segment a call.
#[derive(Debug)]
pub struct Cutter<'a> {
    fragments: Fragments,
    by: By<'a>,
    lengths: VecDeque<u64>,
    number: u32,
    at: u64,
    /// Samples that are in no segment yet, with their bytes.
    waiting: VecDeque<(Sample, Vec<u8>)>,
    is_over: bool,
}

impl<'a> Cutter<'a> {
    /// Opens a file and reads its init segment.
    ///
    /// # Errors
    /// It is not readable, or no fragmented MP4.
    pub fn open(path: &Path, want: Want<'a>) -> Result<Self, Error> {
        Ok(Self {
            fragments: Fragments::open(path)?,
            by: want.by,
            lengths: lengths(&want.by).into(),
            number: want.number,
            at: want.at,
            waiting: VecDeque::new(),
            is_over: false,
        })
    }

    /// The init segment.
    #[must_use]
    pub fn init(&self) -> &[u8] {
        &self.fragments.init
    }

    fn is_video(&self) -> bool {
        matches!(self.by, By::Frames { .. })
    }

    /// Reads until so many samples wait, or there are no more.
    fn read(&mut self, count: u64) -> Result<(), Error> {
        while !self.is_over && (self.waiting.len() as u64) < count {
            let Some((samples, bytes)) = self.fragments.next()? else {
                self.is_over = true;
                return Ok(());
            };
            let mut from = 0usize;
            for mut sample in samples {
                if let By::Frames { ticks, .. } = self.by {
                    sample.duration = ticks;
                }
                let to = from.saturating_add(sample.size as usize);
                let own = bytes.get(from..to).ok_or(Error::Form("an mdat is too short"))?;
                self.waiting.push_back((sample, own.to_vec()));
                from = to;
            }
        }
        Ok(())
    }

    /// The next segment; `None` after the last.
    ///
    /// # Errors
    /// The file is not what was planned.
    pub fn segment(&mut self) -> Result<Option<Object>, Error> {
        let Some(wanted) = self.lengths.pop_front() else { return Ok(None) };
        let is_last = self.lengths.is_empty();
        let is_open = matches!(self.by, By::Frames { is_open: true, .. }) && is_last;
        // A picture's file is read one further, to see that nothing follows the last segment.
        let more = if is_open { u64::MAX } else { wanted.saturating_add(1) };
        self.read(more)?;
        let has = self.waiting.len() as u64;
        let takes = if is_open { has } else { wanted };
        let too_many = is_last && !is_open && self.is_video() && has > wanted;
        if has < takes.max(1) || too_many {
            return Err(Error::Frames { found: has, wanted });
        }
        let taken = self.waiting.drain(..usize::try_from(takes).unwrap_or(usize::MAX));
        let (samples, bytes): (Vec<Sample>, Vec<Vec<u8>>) = taken.unzip();
        if self.is_video() {
            // Encoders may add key frames of their own within a segment.
            if samples.first().is_none_or(|first| !first.is_key) {
                return Err(Error::Form("no key frame is where a segment begins"));
            }
        }
        let object = object(self.number, self.at, &samples, &bytes.concat(), self.is_video())?;
        self.at += u64::from(object.segment.duration);
        self.number += 1;
        Ok(Some(object))
    }
}

/// How many samples each segment has.
fn lengths(by: &By<'_>) -> Vec<u64> {
    match by {
        By::Frames { frames, .. } => frames.iter().map(|frames| u64::from(*frames)).collect(),
        By::Sound { cuts } => cuts
            .windows(2)
            .filter_map(|two| Some(two.last()?.saturating_sub(*two.first()?)))
            .collect(),
    }
}

fn object(
    number: u32,
    at: u64,
    samples: &[Sample],
    bytes: &[u8],
    is_video: bool,
) -> Result<Object, Error> {
    let form = Error::Form("a segment cannot be written");
    let mut all = fragment::header(number, at, samples, is_video).ok_or(form)?;
    let first = samples.first().map_or(0, |sample| sample.size);
    let key_bytes = if is_video { all.len() as u32 + first } else { 0 };
    all.extend_from_slice(bytes);
    let duration = samples.iter().map(|sample| sample.duration).sum();
    let segment = Segment { duration, bytes: all.len() as u32, key_bytes };
    Ok(Object { number, bytes: all, segment })
}
