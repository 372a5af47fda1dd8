//! HLS: the master playlist, a media playlist per rendition, key frames, captions.
//!
//! Invariant: a playlist only grows, then closes (RFC 8216, section 6.2.1): its type, target
//! duration and lines never change. Printed durations are differences of rounded moments, so their
//! sum is never further from the truth than half a microsecond. Attributes in quotes hold no quote
//! and no control character.
//! Source: RFC 8216, Apple's authoring specification for HLS.

use super::{Row, init_file, micros, rows, seconds, segment_file, sound_names};
use crate::video::presentation::{Head, Presentation, Timeline};
use crate::video::rendition::Media;
use crate::video::select::Choice;
use alloc::{format, string::String};
use core::fmt::Write;

const HEAD: &str = "#EXTM3U\n#EXT-X-VERSION:7\n";
/// Its media type.
pub const MEDIA_TYPE: &str = "application/vnd.apple.mpegurl";

/// The master playlist of what was chosen. `token`: what every URL ends with, such as `?token=…`.
#[must_use]
pub fn master(video: &Presentation, choices: &[Choice<'_>], token: &str) -> String {
    let (pictures, sounds) = rows(video, choices);
    let mut out = format!("{HEAD}#EXT-X-INDEPENDENT-SEGMENTS\n");
    sound_group(&mut out, &sounds, token);
    let has_text = text_group(&mut out, video, token);
    let loudest = |rate: fn(&Head) -> u64| {
        sounds.iter().map(|row| rate(row.choice.head)).max().unwrap_or_default()
    };
    let (sound, average) = (loudest(|head| head.bandwidth), loudest(|head| head.average_bandwidth));
    let codec = sounds.first().map(|row| row.choice.head.codec.as_str());
    for row in &pictures {
        let head = row.choice.head;
        let codecs = match codec {
            Some(codec) => format!("{},{codec}", head.codec),
            None => head.codec.clone(),
        };
        line(
            &mut out,
            format_args!(
                "#EXT-X-STREAM-INF:BANDWIDTH={},AVERAGE-BANDWIDTH={},CODECS=\"{codecs}\",{}{}{},\
                 CLOSED-CAPTIONS=NONE\n\
             {}/media.m3u8{token}",
                head.bandwidth.saturating_add(sound),
                head.average_bandwidth.saturating_add(average),
                picture(&head.media, true),
                if sounds.is_empty() { "" } else { ",AUDIO=\"audio\"" },
                if has_text { ",SUBTITLES=\"text\"" } else { "" },
                head.name,
            ),
        );
    }
    for row in pictures.iter().filter(|row| !row.choice.head.key_bytes.is_empty()) {
        key_frames_of(&mut out, row, token);
    }
    out
}

/// `None`: there are no key frames of this rendition to be shown.
#[must_use]
pub fn key_frames(video: &Presentation, head: &Head, token: &str) -> Option<String> {
    if head.key_bytes.is_empty() {
        return None;
    }
    let pieces = head.key_bytes.iter().map(|bytes| format!("#EXT-X-BYTERANGE:{bytes}@0\n"));
    Some(playlist(video, head, token, "#EXT-X-I-FRAMES-ONLY\n", pieces))
}

/// The media playlist of a rendition.
#[must_use]
pub fn media(video: &Presentation, head: &Head, token: &str) -> String {
    playlist(video, head, token, "", core::iter::repeat_n(String::new(), head.segments as usize))
}

/// The playlist of a text track, which is one file.
#[must_use]
pub fn captions(video: &Presentation, language: &str, token: &str) -> String {
    let length = video.duration_ms.max(1);
    format!(
        "{HEAD}#EXT-X-TARGETDURATION:{}\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n\
         #EXTINF:{},\n{language}.vtt{token}\n#EXT-X-ENDLIST\n",
        length.div_ceil(1_000),
        seconds(length.saturating_mul(1_000)),
    )
}

fn playlist(
    video: &Presentation,
    head: &Head,
    token: &str,
    sort: &str,
    ranges: impl Iterator<Item = String>,
) -> String {
    let timeline = video.timeline(head);
    let mut out = format!(
        "{HEAD}#EXT-X-TARGETDURATION:{}\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:EVENT\n\
         #EXT-X-INDEPENDENT-SEGMENTS\n{sort}#EXT-X-START:TIME-OFFSET=0\n\
         #EXT-X-MAP:URI=\"{}{token}\"\n",
        target_s(video, &timeline),
        init_file(video.generation),
    );
    let mut end = 0_u64;
    for ((n, duration), range) in (0..).zip(timeline.durations()).zip(ranges) {
        let begin = micros(end, timeline.timescale);
        end = end.saturating_add(u64::from(duration));
        let length = micros(end, timeline.timescale).saturating_sub(begin);
        let file = segment_file(video.generation, n);
        line(&mut out, format_args!("#EXTINF:{},\n{range}{file}{token}", seconds(length)));
    }
    if head.complete {
        out.push_str("#EXT-X-ENDLIST\n");
    }
    out
}

/// Every segment's duration, rounded to the nearest second, is at most this (RFC 8216, section
/// 4.3.3.1); what the origin promised holds for segments that are still to come.
fn target_s(video: &Presentation, timeline: &Timeline) -> u64 {
    let longest = micros(u64::from(timeline.longest()), timeline.timescale);
    let promised = u64::from(video.segment_ms).saturating_mul(1_000);
    (longest.max(promised).saturating_add(500_000) / 1_000_000).max(1)
}

fn sound_group(out: &mut String, sounds: &[Row<'_>], token: &str) {
    for (n, (row, name)) in sounds.iter().zip(sound_names(sounds)).enumerate() {
        let head = row.choice.head;
        let Media::Audio { channels, language, .. } = &head.media else { continue };
        let language = language.as_ref().map(|tag| format!(",LANGUAGE=\"{}\"", quoted(tag)));
        line(
            out,
            format_args!(
                "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"{}\"{},DEFAULT={},\
                 AUTOSELECT=YES,CHANNELS=\"{channels}\",URI=\"{}/media.m3u8{token}\"",
                quoted(&name),
                language.unwrap_or_default(),
                if n == 0 { "YES" } else { "NO" },
                head.name,
            ),
        );
    }
}

/// Whether there is any.
fn text_group(out: &mut String, video: &Presentation, token: &str) -> bool {
    // Their playlist is closed from the beginning, so the length must be known.
    if video.duration_ms == 0 {
        return false;
    }
    for caption in &video.captions {
        let (name, tag) = (quoted(&caption.label), quoted(&caption.language));
        line(
            out,
            format_args!(
                "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"text\",NAME=\"{name}\",LANGUAGE=\"{tag}\",\
                 DEFAULT=NO,AUTOSELECT=YES,FORCED=NO,URI=\"captions/{tag}.m3u8{token}\"",
            ),
        );
    }
    !video.captions.is_empty()
}

fn key_frames_of(out: &mut String, row: &Row<'_>, token: &str) {
    let (head, timeline) = (row.choice.head, &row.timeline);
    let timescale = u128::from(timeline.timescale);
    let rate = |bytes: u128, duration: u128| (bytes * 8 * timescale).div_ceil(duration.max(1));
    let each = head.key_bytes.iter().zip(timeline.durations());
    let peak = each.map(|(bytes, duration)| rate(u128::from(*bytes), u128::from(duration))).max();
    let all = head.key_bytes.iter().map(|bytes| u128::from(*bytes)).sum();
    line(
        out,
        format_args!(
            "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH={},AVERAGE-BANDWIDTH={},CODECS=\"{}\",{},\
             URI=\"{}/iframes.m3u8{token}\"",
            peak.unwrap_or_default(),
            rate(all, u128::from(timeline.duration())),
            head.codec,
            picture(&head.media, false),
            head.name,
        ),
    );
}

fn picture(media: &Media, moves: bool) -> String {
    match media {
        Media::Video { width, height, frame_rate: (frames, seconds) } if moves => {
            let rate = u64::from(*frames) * 1_000 / u64::from((*seconds).max(1));
            format!("RESOLUTION={width}x{height},FRAME-RATE={}.{:03}", rate / 1_000, rate % 1_000)
        }
        Media::Video { width, height, .. } => format!("RESOLUTION={width}x{height}"),
        Media::Audio { .. } => String::new(),
    }
}

/// What may stand between quotes (RFC 8216, section 4.2).
fn quoted(text: &str) -> String {
    let plain = |c: char| if c == '"' { '\'' } else { c };
    text.chars().filter(|c| !c.is_control()).map(plain).collect()
}

fn line(out: &mut String, text: core::fmt::Arguments<'_>) {
    // A String takes everything.
    let _ = out.write_fmt(text);
    out.push('\n');
}

#[cfg(test)]
mod tests;
