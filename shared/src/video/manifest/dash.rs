//! DASH: the MPD, by `SegmentTemplate` with a `SegmentTimeline`.
//!
//! Invariant: durations stand in their own timescale, so nothing is rounded. While a video grows
//! the MPD is `dynamic` and says when to look again; then it is `static`. Texts are escaped.
//! Source: ISO/IEC 23009-1 and its schema, DASH-IF's guidelines for interoperability.

use super::{Row, micros, rows, seconds};
use crate::time::Millis;
use crate::video::presentation::{Presentation, Timeline};
use crate::video::rendition::Media;
use crate::video::select::Choice;
use alloc::{format, string::String, vec::Vec};
use core::fmt::Write;

/// Its media type.
pub const MEDIA_TYPE: &str = "application/dash+xml";
const PROFILES: &str = "urn:mpeg:dash:profile:isoff-live:2011,urn:mpeg:dash:profile:cmaf:2019";

/// The MPD of what was chosen. `token` as in [`super::hls::master`]; `now` is told while it grows.
#[must_use]
pub fn mpd(video: &Presentation, choices: &[Choice<'_>], token: &str, now: Millis) -> String {
    let (pictures, sounds) = rows(video, choices);
    let grows = pictures.iter().chain(&sounds).any(|row| !row.choice.head.complete);
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let segment = seconds(u64::from(video.segment_ms) * 1_000);
    push(
        &mut out,
        format_args!(
            "<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" profiles=\"{PROFILES}\" \
             minBufferTime=\"PT{segment}S\""
        ),
    );
    if grows {
        push(
            &mut out,
            format_args!(
                " type=\"dynamic\" availabilityStartTime=\"{}\" publishTime=\"{}\" \
                 minimumUpdatePeriod=\"PT{segment}S\">\n",
                video.started_at.to_rfc3339(),
                now.to_rfc3339(),
            ),
        );
    } else {
        let ends = pictures.iter().chain(&sounds).map(|row| end(&row.timeline)).max();
        push(
            &mut out,
            format_args!(
                " type=\"static\" mediaPresentationDuration=\"PT{}S\">\n",
                seconds(ends.unwrap_or_default()),
            ),
        );
    }
    out.push_str("<Period id=\"0\" start=\"PT0S\">\n");
    let mut id = 0_u32;
    for group in groups(pictures) {
        adaptation_set(&mut out, &mut id, video, &group, token);
    }
    for row in sounds {
        adaptation_set(&mut out, &mut id, video, &[row], token);
    }
    for caption in &video.captions {
        push(
            &mut out,
            format_args!(
                "<AdaptationSet id=\"{id}\" contentType=\"text\" mimeType=\"text/vtt\" \
                 lang=\"{0}\"><Label>{1}</Label>\
                 <Representation id=\"captions-{0}\" bandwidth=\"1000\">\
                 <BaseURL>captions/{0}.vtt{2}</BaseURL></Representation></AdaptationSet>\n",
                escaped(&caption.language),
                escaped(&caption.label),
                escaped(token),
            ),
        );
        id = id.saturating_add(1);
    }
    out.push_str("</Period>\n");
    if grows {
        push(
            &mut out,
            format_args!(
                "<UTCTiming schemeIdUri=\"urn:mpeg:dash:utc:direct:2014\" value=\"{}\"/>\n",
                now.to_rfc3339(),
            ),
        );
    }
    out.push_str("</MPD>\n");
    out
}

/// Pictures of one codec after the other, the first's first: a player changes between renditions
/// of one set.
fn groups(rows: Vec<Row<'_>>) -> Vec<Vec<Row<'_>>> {
    let family = |row: &Row<'_>| row.choice.head.codec.split('.').next().map(String::from);
    let mut all: Vec<Vec<Row<'_>>> = Vec::new();
    for row in rows {
        let same = |group: &&mut Vec<Row<'_>>| group.first().map(family) == Some(family(&row));
        match all.iter_mut().find(same) {
            Some(group) => group.push(row),
            None => all.push(alloc::vec![row]),
        }
    }
    all
}

fn adaptation_set(
    out: &mut String,
    id: &mut u32,
    video: &Presentation,
    rows: &[Row<'_>],
    token: &str,
) {
    let Some(first) = rows.first() else { return };
    let attributes = match &first.choice.head.media {
        Media::Video { .. } => String::from("contentType=\"video\" mimeType=\"video/mp4\""),
        Media::Audio { language, .. } => {
            let tag = language.as_ref().map(|tag| format!(" lang=\"{}\"", escaped(tag)));
            format!("contentType=\"audio\" mimeType=\"audio/mp4\"{}", tag.unwrap_or_default())
        }
    };
    push(
        out,
        format_args!(
            "<AdaptationSet id=\"{id}\" {attributes} segmentAlignment=\"true\" \
             startWithSAP=\"1\">\n"
        ),
    );
    *id = id.saturating_add(1);
    // What all of them have is said once.
    let shared = rows.iter().all(|row| row.timeline == first.timeline);
    if shared {
        template(out, video, &first.timeline, token);
    }
    for row in rows {
        representation(out, row);
        out.push_str(&inner(&row.choice.head.media));
        if !shared {
            template(out, video, &row.timeline, token);
        }
        out.push_str("</Representation>\n");
    }
    out.push_str("</AdaptationSet>\n");
}

fn representation(out: &mut String, row: &Row<'_>) {
    let head = row.choice.head;
    let own = match &head.media {
        Media::Video { width, height, frame_rate: (frames, seconds) } => {
            let rate =
                if *seconds == 1 { format!("{frames}") } else { format!("{frames}/{seconds}") };
            format!("width=\"{width}\" height=\"{height}\" frameRate=\"{rate}\" sar=\"1:1\"")
        }
        Media::Audio { sample_rate, .. } => format!("audioSamplingRate=\"{sample_rate}\""),
    };
    push(
        out,
        format_args!(
            "<Representation id=\"{}\" codecs=\"{}\" bandwidth=\"{}\" {own}>\n",
            head.name,
            escaped(&head.codec),
            head.bandwidth,
        ),
    );
}

/// The speakers; the number of channels is the number of their arrangement up to 5.1
/// (ISO/IEC 23091-3).
fn inner(media: &Media) -> String {
    match media {
        Media::Audio { channels, .. } => format!(
            "<AudioChannelConfiguration \
             schemeIdUri=\"urn:mpeg:mpegB:cicp:ChannelConfiguration\" value=\"{channels}\"/>\n"
        ),
        Media::Video { .. } => String::new(),
    }
}

fn template(out: &mut String, video: &Presentation, timeline: &Timeline, token: &str) {
    let (generation, token) = (video.generation, escaped(token));
    push(
        out,
        format_args!(
            "<SegmentTemplate timescale=\"{}\" startNumber=\"0\" \
         initialization=\"$RepresentationID$/{generation}-init.mp4{token}\" \
         media=\"$RepresentationID$/{generation}-$Number$.m4s{token}\"><SegmentTimeline>",
            timeline.timescale,
        ),
    );
    for (n, (duration, count)) in timeline.runs.iter().enumerate() {
        let start = if n == 0 { " t=\"0\"" } else { "" };
        push(out, format_args!("<S{start} d=\"{duration}\""));
        if *count > 1 {
            push(out, format_args!(" r=\"{}\"", count.saturating_sub(1)));
        }
        out.push_str("/>");
    }
    out.push_str("</SegmentTimeline></SegmentTemplate>\n");
}

fn end(timeline: &Timeline) -> u64 {
    micros(timeline.duration(), timeline.timescale)
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() => {}
            other => out.push(other),
        }
    }
    out
}

fn push(out: &mut String, text: core::fmt::Arguments<'_>) {
    // A String takes everything.
    let _ = out.write_fmt(text);
}
