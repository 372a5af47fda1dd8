//! Uploads by tus and by PUT, and captions, as the door hands them in.

use super::stage::Stage;
use crate::support::{self, status, with};
use axum::body::{Body, Bytes};
use base64::{Engine, prelude::BASE64_STANDARD};
use origin::respond::{Call, Failure, Stream};
use origin::video::{self, captions, removal, upload};
use sha2::{Digest, Sha256};
use shared::envelope::Envelope;
use shared::time::Millis;
use shared::video::presentation::{Caption, Presentation};

impl Stage {
    fn tus(&self, method: &str, id: &str) -> Call {
        let call = self.call(method, &format!("/api/v1/videos/{id}/upload"), "");
        with(call, "tus-resumable", "1.0.0")
    }

    async fn begin(&self, id: &str, length: usize) -> Result<Envelope, Failure> {
        let call = with(self.tus("POST", id), "upload-length", &length.to_string());
        upload::create(&self.app, &call).await
    }

    fn part(&self, id: &str, offset: usize, bytes: &[u8]) -> Call {
        let call = with(self.tus("PATCH", id), "upload-offset", &offset.to_string());
        let mut call = with(call, "content-type", "application/offset+octet-stream");
        call.stream = Stream::new(bytes.len() as u64, Body::from(bytes.to_vec()));
        call
    }

    async fn patch(&self, id: &str, offset: usize, bytes: &[u8]) -> Result<Envelope, Failure> {
        upload::patch(&self.app, &self.part(id, offset, bytes)).await
    }

    async fn offset(&self, id: &str) -> u64 {
        let head = upload::head(&self.app, &self.tus("HEAD", id)).await.unwrap();
        head.header("upload-offset").unwrap().parse().unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn v1_an_upload_in_parts_is_the_file() {
    let stage = Stage::new().await;
    let source = stage.source(
        "s.mp4",
        "-f lavfi -i testsrc2=size=160x120:rate=25:duration=3 -c:v libx264 -preset ultrafast",
    );
    let bytes = std::fs::read(source).unwrap();
    let id = stage.create().await;
    let made = stage.begin(&id, bytes.len()).await.unwrap();
    assert_eq!(made.status, 201);
    assert!(made.header("location").unwrap().ends_with(&format!("/api/v1/videos/{id}/upload")));
    assert!(made.header("upload-expires").unwrap().ends_with(" GMT"));
    let mut offset = 0;
    for part in bytes.chunks(bytes.len() / 3 + 1) {
        let answer = stage.patch(&id, offset, part).await.unwrap();
        offset += part.len();
        assert_eq!(answer.status, 204);
        assert_eq!(answer.header("upload-offset").unwrap(), offset.to_string());
    }
    assert_eq!(stage.offset(&id).await, bytes.len() as u64);
    let made = stage.work(&id).await;
    assert_eq!(
        (&made["status"], &made["duration_ms"]),
        (&"ready".into(), &3_000.into()),
        "{made:#}"
    );
    // Its only key frame is the first frame.
    assert_eq!(stage.errors().await, Vec::<String>::new());
    assert!(stage.objects(&id).join("storyboard-0.jpg").exists());
    assert_eq!(status(&stage.patch(&id, bytes.len(), b"x").await), 409);
}

#[tokio::test(flavor = "multi_thread")]
async fn v1_of_two_parts_at_one_offset_one_is_taken() {
    let stage = Stage::new().await;
    let id = stage.create().await;
    stage.begin(&id, 40).await.unwrap();
    let (a, b) = tokio::join!(stage.patch(&id, 0, &[1; 20]), stage.patch(&id, 0, &[2; 20]));
    let mut found = [status(&a), status(&b)];
    found.sort_unstable();
    assert_eq!(found, [204, 409]);
    assert_eq!(stage.offset(&id).await, 20);
    let parts = std::fs::read_dir(stage.objects(&id).join("source")).unwrap().count();
    assert_eq!(parts, 1, "the part that lost is still there");
}

#[tokio::test(flavor = "multi_thread")]
async fn v1_what_the_protocol_refuses_is_refused() {
    let stage = Stage::new().await;
    let id = stage.create().await;
    assert_eq!(status(&stage.patch(&id, 0, b"abc").await), 409);
    stage.begin(&id, 10).await.unwrap();
    assert_eq!(status(&stage.begin(&id, 10).await), 201);
    assert_eq!(status(&stage.begin(&id, 11).await), 409);
    assert_eq!(status(&stage.patch(&id, 3, b"abc").await), 409);
    assert_eq!(status(&stage.patch(&id, 0, &[0; 11]).await), 413);
    let other = with(stage.part(&id, 0, b"abc"), "content-type", "text/plain");
    assert_eq!(status(&upload::patch(&stage.app, &other).await), 415);
    let old = with(stage.part(&id, 0, b"abc"), "tus-resumable", "0.2.2");
    assert_eq!(status(&upload::patch(&stage.app, &old).await), 412);
    let digest = BASE64_STANDARD.encode(Sha256::digest(b"abc"));
    let sum = |bytes: &[u8]| {
        with(stage.part(&id, 0, bytes), "upload-checksum", &format!("sha256 {digest}"))
    };
    assert_eq!(status(&upload::patch(&stage.app, &sum(b"abd")).await), 460);
    assert_eq!(stage.offset(&id).await, 0);
    assert_eq!(status(&upload::patch(&stage.app, &sum(b"abc")).await), 204);
    assert_eq!(stage.offset(&id).await, 3);
    let unknown = with(stage.part(&id, 3, b"abc"), "upload-checksum", "crc32 AAAA");
    assert_eq!(status(&upload::patch(&stage.app, &unknown).await), 400);
    let stranger = support::application(&stage.app, "stranger").await;
    let mut foreign = stage.tus("HEAD", &id);
    foreign.context.app = stranger;
    assert_eq!(status(&upload::head(&stage.app, &foreign).await), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn v18_a_part_that_breaks_off_is_kept_as_far_as_it_came() {
    let stage = Stage::new().await;
    let id = stage.create().await;
    stage.begin(&id, 100).await.unwrap();
    let broken = || {
        let parts: [Result<Bytes, std::io::Error>; 2] =
            [Ok(Bytes::from_static(&[7; 30])), Err(std::io::Error::other("gone"))];
        Stream::new(60, Body::from_stream(futures::stream::iter(parts)))
    };
    let call = Call { stream: broken(), ..stage.part(&id, 0, &[]) };
    assert_eq!(status(&upload::patch(&stage.app, &call).await), 400);
    assert_eq!(stage.offset(&id).await, 30);
    // With a checksum of the whole part nothing of it counts.
    let digest = BASE64_STANDARD.encode(Sha256::digest([7; 60]));
    let call = Call { stream: broken(), ..stage.part(&id, 30, &[]) };
    let call = with(call, "upload-checksum", &format!("sha256 {digest}"));
    assert_eq!(status(&upload::patch(&stage.app, &call).await), 400);
    assert_eq!(stage.offset(&id).await, 30);
    // Another process knows as much.
    let other = stage.another(&[]).await;
    let head = upload::head(&other, &stage.tus("HEAD", &id)).await.unwrap();
    assert_eq!(head.header("upload-offset"), Some("30"));
}

#[tokio::test(flavor = "multi_thread")]
async fn v1_an_upload_that_nobody_finishes_expires() {
    let stage = Stage::with(&[("SELVEDGE_UPLOAD_KEEP_MS", "1")]).await;
    let id = stage.create().await;
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    assert_eq!(status(&upload::head(&stage.app, &stage.tus("HEAD", &id)).await), 410);
    assert_eq!(status(&stage.begin(&id, 10).await), 410);
    let far = Millis(origin::db::now().0 + 60_000);
    assert_eq!(removal::give_up(&stage.app, far).await.unwrap(), 1);
    assert_eq!(stage.get(&id).await["reason"]["code"], "upload_expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn v1_a_creation_is_made_once_and_a_change_is_conditional() {
    let stage = Stage::new().await;
    let call = stage.call("POST", "/api/v1/videos", r#"{"title":"Weaving","visibility":"signed"}"#);
    let call = with(call, "idempotency-key", "one");
    let (first, again) =
        (video::create(&stage.app, &call).await, video::create(&stage.app, &call).await);
    let (first, again) = (first.unwrap(), again.unwrap());
    assert!(again.replayed && first.body == again.body);
    let id = support::body(&Ok(first))["id"].as_str().unwrap().to_owned();
    let patch = |tag: &str, body: &str| {
        with(stage.call("PATCH", &format!("/api/v1/videos/{id}"), body), "if-match", tag)
    };
    let title = r#"{"title":null,"policy":{"max_height":480}}"#;
    assert_eq!(status(&video::patch(&stage.app, &patch("\"9\"", title)).await), 412);
    let changed = video::patch(&stage.app, &patch("\"1\"", title)).await.unwrap();
    assert_eq!(changed.projections[0].stamp.version, 2);
    assert_eq!(stage.get(&id).await["title"], serde_json::Value::Null);
    let list = video::list(&stage.app, &stage.call("GET", "/api/v1/videos?limit=1", "")).await;
    assert_eq!(support::body(&list)["items"][0]["id"], id.as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn v11_captions_are_webvtt_and_the_edge_hears_of_them() {
    let stage = Stage::new().await;
    let id = stage.create().await;
    let put = |language: &str, text: &'static str| {
        let mut call = stage.call(
            "PUT",
            &format!("/api/v1/videos/{id}/captions/{language}?label=English"),
            "",
        );
        call.query = "label=English".into();
        call.segments = vec![id.clone(), language.into()];
        call.stream = Stream::new(text.len() as u64, Body::from(text));
        call
    };
    let text = "WEBVTT\r\n\r\n00:01.000 --> 00:02.000\r\nHello";
    let taken = captions::put(&stage.app, &put("en", text)).await.unwrap();
    let known = |taken: &Envelope| -> Vec<Caption> {
        let value = taken.projections[0].value.as_deref().unwrap();
        serde_json::from_str::<Presentation>(value).unwrap().captions
    };
    let stored = || {
        let dir = std::fs::read_dir(stage.objects(&id).join("captions")).unwrap();
        let mut names: Vec<_> = dir.map(|one| one.unwrap().file_name()).collect();
        (names.len(), names.pop().unwrap().into_string().unwrap())
    };
    let first = known(&taken);
    assert_eq!((first[0].language.as_str(), first[0].label.as_str()), ("en", "English"));
    assert_eq!(format!("captions/{}", stored().1), first[0].path());
    let object = std::fs::read_to_string(stage.objects(&id).join(first[0].path())).unwrap();
    assert_eq!(object, text.replace("\r\n", "\n"));
    // A new text has a new name, and the old one is gone.
    let again = captions::put(&stage.app, &put("en", text)).await.unwrap();
    assert_ne!(known(&again), first);
    assert_eq!(stored(), (1, known(&again)[0].path().replace("captions/", "")));
    assert_eq!(status(&captions::put(&stage.app, &put("en", "1\n00:01,0 --> x")).await), 422);
    assert_eq!(status(&captions::put(&stage.app, &put("..", text)).await), 422);
    let mut gone = put("en", "");
    gone.method = "DELETE".into();
    assert_eq!(captions::delete(&stage.app, &gone).await.unwrap().status, 204);
    assert_eq!(status(&captions::delete(&stage.app, &gone).await), 404);
}
