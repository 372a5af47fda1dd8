//! Fragmented MP4: what an encoder wrote, read as samples, and samples written as CMAF segments.
//!
//! Invariant: a segment is one `styp`, `moof`, `mdat` of one track with the id 1; its decode time
//! is the presentation's, whichever piece of the source it was made from, and its first sample is
//! shown at that very moment. Refused: what an encoder would only write for several tracks, and
//! anything
//! that is cut short (`None`).

use alloc::{format, string::String, vec::Vec};

/// One frame of a picture, or one of sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// In the track's timescale.
    pub duration: u32,
    /// In bytes.
    pub size: u32,
    /// Whether a player may begin here.
    pub is_key: bool,
    /// From decoding to showing, in the track's timescale.
    pub shown_after: i32,
}

/// The header of a box: its type and the length of what follows the header's 8 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Four characters.
    pub kind: [u8; 4],
    /// In bytes.
    pub length: u32,
}

/// The bytes of a box's header.
pub const HEAD_BYTES: usize = 8;

/// A sample that is not a key: `sample_is_non_sync_sample` (ISO/IEC 14496-12, 8.8.3.1).
const NON_SYNC: u32 = 0x0001_0000;
/// `sample_depends_on`: 1 others, 2 none.
const DEPENDS: u32 = 0x0100_0000;
const INDEPENDENT: u32 = 0x0200_0000;

impl Head {
    /// Reads a header; boxes of 4 GiB and more are none of ours.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let length = number(bytes, 0)?.checked_sub(8)?;
        Some(Self { kind: bytes.get(4..8)?.try_into().ok()?, length })
    }
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

/// The contents of the first box of that type.
fn child<'a>(mut bytes: &'a [u8], kind: &[u8; 4]) -> Option<&'a [u8]> {
    loop {
        let head = Head::read(bytes)?;
        let rest = bytes.get(HEAD_BYTES..)?;
        let length = usize::try_from(head.length).ok()?;
        if &head.kind == kind {
            return rest.get(..length);
        }
        bytes = rest.get(length..)?;
    }
}

/// The samples of one `moof` (its contents, without header), in decoding order; their bytes follow
/// one another from the start of the `mdat` behind it.
#[must_use]
pub fn samples(moof: &[u8]) -> Option<Vec<Sample>> {
    let traf = child(moof, b"traf")?;
    let tfhd = child(traf, b"tfhd")?;
    let flags = number(tfhd, 0)? & 0x00ff_ffff;
    let mut at = 8;
    if flags & 0x1 != 0 {
        at += 8;
    }
    if flags & 0x2 != 0 {
        at += 4;
    }
    let mut default = |bit: u32| {
        if flags & bit == 0 {
            return Some(0);
        }
        let value = number(tfhd, at);
        at += 4;
        value
    };
    let (duration, size, sample_flags) = (default(0x8)?, default(0x10)?, default(0x20)?);
    let mut all = Vec::new();
    let mut rest = traf;
    while !rest.is_empty() {
        let head = Head::read(rest)?;
        let length = usize::try_from(head.length).ok()?;
        let body = rest.get(HEAD_BYTES..)?.get(..length)?;
        if &head.kind == b"trun" {
            run(body, (duration, size, sample_flags), &mut all)?;
        }
        rest = rest.get(HEAD_BYTES + length..)?;
    }
    Some(all)
}

fn run(trun: &[u8], defaults: (u32, u32, u32), all: &mut Vec<Sample>) -> Option<()> {
    let flags = number(trun, 0)? & 0x00ff_ffff;
    let count = number(trun, 4)?;
    let mut at = 8;
    let mut next = |wanted: bool, otherwise: u32| {
        if !wanted {
            return Some(otherwise);
        }
        let value = number(trun, at);
        at += 4;
        value
    };
    next(flags & 0x1 != 0, 0)?;
    let mut first_flags = Some(next(flags & 0x4 != 0, defaults.2)?);
    for _ in 0..count {
        let duration = next(flags & 0x100 != 0, defaults.0)?;
        let size = next(flags & 0x200 != 0, defaults.1)?;
        let of_first = first_flags.take().unwrap_or(defaults.2);
        let sample_flags = next(flags & 0x400 != 0, of_first)?;
        let shown_after = next(flags & 0x800 != 0, 0)?.cast_signed();
        all.push(Sample { duration, size, is_key: sample_flags & NON_SYNC == 0, shown_after });
    }
    Some(())
}

/// A segment from the moment `at` on: the object's bytes up to the samples' own, which follow.
/// `number` counts from 0.
#[must_use]
pub fn header(number: u32, at: u64, samples: &[Sample], is_video: bool) -> Option<Vec<u8>> {
    let shift = samples.first()?.shown_after;
    let bytes = samples.iter().try_fold(8u32, |sum, each| sum.checked_add(each.size))?;
    let count = u32::try_from(samples.len()).ok()?;
    let mut out = Vec::new();
    put(&mut out, b"styp", |out| out.extend_from_slice(b"cmfs\0\0\0\0cmfsmsdhcmfc"));
    let moof = out.len();
    let mut data_offset = 0;
    put(&mut out, b"moof", |out| {
        put(out, b"mfhd", |out| words(out, &[0, number.saturating_add(1)]));
        put(out, b"traf", |out| {
            // default-base-is-moof, default flags.
            put(out, b"tfhd", |out| words(out, &[0x0002_0020, 1, INDEPENDENT]));
            put(out, b"tfdt", |out| {
                words(out, &[0x0100_0000]);
                out.extend_from_slice(&at.to_be_bytes());
            });
            put(out, b"trun", |out| {
                let fields = if is_video { 0xf01 } else { 0x301 };
                words(out, &[0x0100_0000 | fields, count]);
                data_offset = out.len();
                words(out, &[0]);
                for each in samples {
                    words(out, &[each.duration, each.size]);
                    if is_video {
                        let flags = if each.is_key { INDEPENDENT } else { DEPENDS | NON_SYNC };
                        let shown_after = each.shown_after.wrapping_sub(shift).cast_unsigned();
                        words(out, &[flags, shown_after]);
                    }
                }
            });
        });
    });
    let offset = u32::try_from(out.len().checked_sub(moof)?.checked_add(HEAD_BYTES)?).ok()?;
    out.get_mut(data_offset..)?.get_mut(..4)?.copy_from_slice(&offset.to_be_bytes());
    words(&mut out, &[bytes]);
    out.extend_from_slice(b"mdat");
    Some(out)
}

fn words(out: &mut Vec<u8>, all: &[u32]) {
    out.extend(all.iter().flat_map(|word| word.to_be_bytes()));
}

/// A box with the contents that `fill` writes.
fn put(out: &mut Vec<u8>, kind: &[u8; 4], fill: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    words(out, &[0]);
    out.extend_from_slice(kind);
    fill(out);
    // Headers stay far below 4 GiB.
    let length = u32::try_from(out.len() - start).unwrap_or(u32::MAX);
    if let Some(place) = out.get_mut(start..).and_then(|own| own.get_mut(..4)) {
        place.copy_from_slice(&length.to_be_bytes());
    }
}

/// The track's units per second, from an init segment (`ftyp`, `moov`).
#[must_use]
pub fn timescale(init: &[u8]) -> Option<u32> {
    let mdhd = child(child(child(child(init, b"moov")?, b"trak")?, b"mdia")?, b"mdhd")?;
    let is_long = mdhd.first()? == &1;
    number(mdhd, if is_long { 20 } else { 12 })
}

/// The track's codec as RFC 6381 names it, from an init segment.
#[must_use]
pub fn codec(init: &[u8]) -> Option<String> {
    let mdia = child(child(child(init, b"moov")?, b"trak")?, b"mdia")?;
    let stsd = child(child(child(mdia, b"minf")?, b"stbl")?, b"stsd")?;
    let entry = stsd.get(8..)?;
    let kind = Head::read(entry)?.kind;
    // A picture's description has 78 bytes before its boxes.
    let inner = entry.get(HEAD_BYTES..)?.get(78..).unwrap_or_default();
    Some(match &kind {
        b"avc1" => {
            let [_, profile, compatible, level] = *child(inner, b"avcC")?.first_chunk::<4>()?;
            format!("avc1.{profile:02x}{compatible:02x}{level:02x}")
        }
        b"vp09" => {
            let [_, _, _, _, profile, level, depth] = *child(inner, b"vpcC")?.first_chunk::<7>()?;
            format!("vp09.{profile:02}.{level:02}.{:02}", depth >> 4)
        }
        b"av01" => {
            let [_, level, depth] = *child(inner, b"av1C")?.first_chunk::<3>()?;
            let tier = if depth & 0x80 == 0 { 'M' } else { 'H' };
            let depth = if depth & 0x40 == 0 { 8 } else { 10 };
            format!("av01.{}.{:02}{tier}.{depth:02}", level >> 5, level & 31)
        }
        b"mp4a" => "mp4a.40.2".into(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn sample(duration: u32, size: u32, is_key: bool, shown_after: i32) -> Sample {
        Sample { duration, size, is_key, shown_after }
    }

    #[test]
    fn a_segment_is_read_as_it_was_written_and_begins_when_it_is_shown() {
        let given = [
            sample(1_001, 9, true, 2_002),
            sample(1_001, 4, false, 5_005),
            sample(1_001, 5, false, 0),
        ];
        let bytes = header(7, 5_000_000_000, &given, true).unwrap();
        let styp = Head::read(&bytes).unwrap();
        assert_eq!(&styp.kind, b"styp");
        let moof = &bytes[HEAD_BYTES + styp.length as usize..];
        let head = Head::read(moof).unwrap();
        let body = &moof[HEAD_BYTES..][..head.length as usize];
        let read = samples(body).unwrap();
        let shown: Vec<i32> = read.iter().map(|each| each.shown_after).collect();
        assert_eq!(shown, [0, 3_003, -2_002]);
        let keys: Vec<bool> = read.iter().map(|each| each.is_key).collect();
        assert_eq!(keys, [true, false, false]);
        let tfdt = child(child(body, b"traf").unwrap(), b"tfdt").unwrap();
        assert_eq!(&tfdt[4..], 5_000_000_000u64.to_be_bytes());
        let mdat = Head::read(&moof[HEAD_BYTES + head.length as usize..]).unwrap();
        assert_eq!((&mdat.kind, mdat.length), (b"mdat", 18));
        // The data begins right behind the mdat's header, counted from the moof.
        let trun = child(child(body, b"traf").unwrap(), b"trun").unwrap();
        assert_eq!(number(trun, 8), Some(head.length + 8 + 8));
    }

    #[test]
    fn sound_has_no_flags_of_its_own() {
        let given = vec![sample(1_024, 300, true, 0); 4];
        let bytes = header(0, 0, &given, false).unwrap();
        let moof = &bytes[HEAD_BYTES + Head::read(&bytes).unwrap().length as usize..];
        let head = Head::read(moof).unwrap();
        let read = samples(&moof[HEAD_BYTES..][..head.length as usize]).unwrap();
        assert_eq!(read, given);
    }

    #[test]
    fn what_is_cut_short_is_refused() {
        let given = [sample(1, 9, true, 0), sample(1, 4, false, 0)];
        let bytes = header(0, 0, &given, true).unwrap();
        let moof = &bytes[HEAD_BYTES + Head::read(&bytes).unwrap().length as usize..];
        let whole = Head::read(moof).unwrap().length as usize;
        for length in 0..whole {
            assert_eq!(samples(&moof[HEAD_BYTES..][..length]), None, "{length}");
        }
        assert_eq!(header(0, 0, &[], true), None);
        assert_eq!(Head::read(&[0, 0, 0, 7, b'm', b'o', b'o', b'v']), None);
    }
}
