//! QR codes of short URLs, drawn at the edge.
//!
//! Invariant: only the link's own application gets one; nothing is asked of the origin. Source:
//! ISO/IEC 18004 (margin of four modules, error correction M).

use super::find;
use crate::auth;
use crate::call::Call;
use crate::respond::Answer;
use qrcode::{Color, EcLevel, QrCode};
use shared::links::query::{self, QrAsk};
use shared::links::{error::GONE, machine};
use shared::problem::Problem;
use shared::route::Route;

/// `GET /api/v1/links/{code}/qr?format=svg|png&size&margin`.
///
/// # Errors
/// 401, 403, 404, 410, 422.
pub(crate) async fn code(call: &Call, route: &Route, at: &[&str]) -> Result<Answer, Problem> {
    let caller = auth::caller(call, route).await?;
    let QrAsk { is_png, size, margin } = query::qr(&call.facts.query)?;
    let short_code = at.first().copied().unwrap_or_default();
    let target = find(call, short_code).await?;
    let target = target.ok_or_else(|| Problem::new(&GONE, "the link was deleted"))?;
    if target.app != caller.app {
        return Err(machine::not_found());
    }
    let url = call.short_url(short_code);
    let code = QrCode::with_error_correction_level(url.as_bytes(), EcLevel::M)
        .map_err(|why| call.fault("qr", why))?;
    let modules = Modules::of(&code, margin);
    Ok(if is_png {
        let bytes = modules.png(size).map_err(|why| call.fault("qr", why))?;
        Answer::File { media_type: "image/png", bytes }
    } else {
        Answer::File { media_type: "image/svg+xml", bytes: modules.svg(size).into_bytes() }
    })
}

/// A code with its margin.
struct Modules {
    /// Row by row; `true` is dark.
    dark: Vec<bool>,
    width: usize,
}

impl Modules {
    fn of(code: &QrCode, margin: u32) -> Self {
        let margin = usize::try_from(margin).unwrap_or_default();
        let inner = code.width();
        let width = inner.saturating_add(margin.saturating_mul(2));
        let colors = code.to_colors();
        let mut dark = vec![false; width.saturating_mul(width)];
        for (row, line) in colors.chunks(inner).enumerate() {
            let start = (row.saturating_add(margin)).saturating_mul(width).saturating_add(margin);
            for (slot, color) in dark.iter_mut().skip(start).zip(line) {
                *slot = *color == Color::Dark;
            }
        }
        Self { dark, width }
    }

    fn svg(&self, size: u32) -> String {
        let mut path = String::new();
        for (y, line) in self.dark.chunks(self.width).enumerate() {
            for (x, _) in line.iter().enumerate().filter(|(_, dark)| **dark) {
                path.push_str(&format!("M{x} {y}h1v1h-1z"));
            }
        }
        let width = self.width;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{size}\" height=\"{size}\" \
             viewBox=\"0 0 {width} {width}\" shape-rendering=\"crispEdges\">\
             <path fill=\"#fff\" d=\"M0 0h{width}v{width}H0z\"/><path d=\"{path}\"/></svg>"
        )
    }

    /// One bit a pixel; whole pixels a module, so the picture may be smaller than asked.
    fn png(&self, size: u32) -> Result<Vec<u8>, png::EncodingError> {
        let width = u32::try_from(self.width).unwrap_or(u32::MAX);
        let scale = size.checked_div(width).unwrap_or_default().max(1);
        let side = width.saturating_mul(scale);
        let repeat = usize::try_from(scale).unwrap_or(1);
        let mut data = Vec::new();
        for line in self.dark.chunks(self.width) {
            let pixels: Vec<bool> =
                line.iter().flat_map(|dark| std::iter::repeat_n(*dark, repeat)).collect();
            let bytes = pixels.chunks(8).map(|eight| {
                let bits = eight.iter().zip([128u8, 64, 32, 16, 8, 4, 2, 1]);
                bits.fold(0, |byte, (dark, bit)| if *dark { byte } else { byte | bit })
            });
            let row: Vec<u8> = bytes.collect();
            for _ in 0..repeat {
                data.extend_from_slice(&row);
            }
        }
        let mut out = Vec::new();
        let mut encoder = png::Encoder::new(&mut out, side, side);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::One);
        encoder.write_header()?.write_image_data(&data)?;
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_its_margin_and_its_corners() {
        let code = QrCode::new(b"https://s.example/0004c92").unwrap();
        let modules = Modules::of(&code, 4);
        assert_eq!(modules.width, code.width() + 8);
        let dark = |x: usize, y: usize| modules.dark[y * modules.width + x];
        assert!(!dark(3, 3) && dark(4, 4) && dark(10, 4) && !dark(11, 4));
        assert!(modules.svg(256).contains("M4 4h1v1h-1z"));
        let png = modules.png(256).unwrap();
        assert!(png.starts_with(b"\x89PNG"));
    }
}
