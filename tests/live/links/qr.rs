//! QR codes: what a camera reads is the short URL.

use crate::client::{App, Stack};
use qrcode::{Color, EcLevel, QrCode};
use serde_json::json;
use shared::links::error::{GONE, NOT_FOUND};
use shared::problem::{FORBIDDEN, UNACCEPTABLE};

const URL: &str = "https://example.com/";

/// Row by row, `true` is dark, with `margin` light modules around.
fn modules(url: &str, margin: usize) -> Vec<Vec<bool>> {
    let code = QrCode::with_error_correction_level(url, EcLevel::M).unwrap();
    let inner = code.width();
    let light = vec![false; inner + 2 * margin];
    let mut rows = vec![light.clone(); margin];
    for line in code.to_colors().chunks(inner) {
        let mut row = light.clone();
        for (x, color) in line.iter().enumerate() {
            row[margin + x] = *color == Color::Dark;
        }
        rows.push(row);
    }
    rows.extend(vec![light; margin]);
    rows
}

/// What stands on a picture, by its pixels.
fn pixels(bytes: &[u8]) -> Vec<Vec<bool>> {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().unwrap();
    let mut data = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut data).unwrap();
    assert_eq!(info.width, info.height);
    let side = usize::try_from(info.width).unwrap();
    data[..info.buffer_size()]
        .chunks(side)
        .map(|row| row.iter().map(|p| *p < 128).collect())
        .collect()
}

/// What stands on a drawing: a square per `M{x} {y}h1v1h-1z`.
fn squares(svg: &str) -> Vec<Vec<bool>> {
    let (_, after) = svg.split_once("viewBox=\"0 0 ").unwrap();
    let side: usize = after.split(' ').next().unwrap().parse().unwrap();
    let mut rows = vec![vec![false; side]; side];
    let (_, path) = svg.rsplit_once("<path d=\"").unwrap();
    for square in path.split('M').skip(1) {
        let (at, _) = square.split_once("h1v1h-1z").unwrap();
        let (x, y) = at.split_once(' ').unwrap();
        rows[y.parse::<usize>().unwrap()][x.parse::<usize>().unwrap()] = true;
    }
    rows
}

async fn code(app: &App<'_>) -> (String, String) {
    let made = app.shorten(&json!({"long_url": URL})).await.is(201);
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    (text("short_code"), text("short_url"))
}

#[tokio::test]
async fn qr_codes_say_the_short_url_as_svg_and_png() {
    let stack = Stack::here();
    let app = stack.app().await;
    let (code, url) = code(&app).await;
    let path = format!("/api/v1/links/{code}/qr");
    for (query, margin, size) in
        [("", 4, 256), ("?size=64&margin=0", 0, 64), ("?size=2048&margin=16&format=svg", 16, 2_048)]
    {
        let svg = app.get(&format!("{path}{query}")).await;
        svg.is(200);
        assert_eq!(svg.header("content-type"), "image/svg+xml");
        assert!(svg.text().contains(&format!("width=\"{size}\" height=\"{size}\"")));
        assert_eq!(squares(svg.text()), modules(&url, margin), "{query}");
    }
    for (query, margin, size) in [
        ("?format=png", 4, 256),
        ("?format=png&size=64&margin=0", 0, 64),
        ("?format=png&size=2048&margin=16", 16, 2_048),
        ("?format=png&size=1000&margin=1", 1, 1_000),
    ] {
        let png = app.get(&format!("{path}{query}")).await;
        png.is(200);
        assert_eq!(png.header("content-type"), "image/png");
        let (found, wanted) = (pixels(&png.body), modules(&url, margin));
        let scale = found.len() / wanted.len();
        assert_eq!(found.len(), wanted.len() * scale, "{query}");
        assert!(found.len() <= size && found.len() + wanted.len() > size, "{query}");
        for (y, row) in found.iter().enumerate() {
            for (x, dark) in row.iter().enumerate() {
                assert_eq!(*dark, wanted[y / scale][x / scale], "{query} {x} {y}");
            }
        }
    }
    let head = app.ask("HEAD", &format!("{path}?format=png")).send().await;
    assert_eq!((head.status, head.header("content-type")), (200, "image/png"));
}

#[tokio::test]
async fn qr_codes_are_the_owners_and_within_bounds() {
    let stack = Stack::here();
    let (ann, bob) = (stack.app().await, stack.app().await);
    let (code, _) = code(&ann).await;
    let path = format!("/api/v1/links/{code}/qr");
    bob.get(&path).await.is_problem(&NOT_FOUND);
    stack.edge("GET", &path).send().await.is(401);
    let (writer, _) = stack.key(&ann.id, &["links:write"]).await;
    stack.edge("GET", &path).key(&writer).send().await.is_problem(&FORBIDDEN);
    for (query, pointer) in [
        ("size=63", "?size"),
        ("size=2049", "?size"),
        ("size=-1", "?size"),
        ("size=1e3", "?size"),
        ("size=", "?size"),
        ("margin=17", "?margin"),
        ("margin=-1", "?margin"),
        ("format=gif", "?format"),
        ("format=PNG", "?format"),
        ("colour=red", "?colour"),
    ] {
        let problem = ann.get(&format!("{path}?{query}")).await.is_problem(&UNACCEPTABLE);
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{query}");
    }
    ann.get("/api/v1/links/zzzzzzz/qr").await.is_problem(&NOT_FOUND);
    ann.ask("DELETE", &format!("/api/v1/links/{code}")).send().await.is(204);
    ann.get(&path).await.is_problem(&GONE);
}
