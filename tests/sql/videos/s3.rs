//! Objects in an S3-compatible store: moto's server (PyPI), which is none of ours.
//!
//! Invariant: the store is asked over HTTP, signed, as any other; nothing of it is faked here.

use super::chain::presentation;
use super::edge::Edge;
use super::stage::{Stage, work};
use axum::body::Bytes;
use futures::TryStreamExt;
use origin::db;
use origin::objects::{Error, Objects};
use origin::video::{self, removal};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Larger than one part of a multipart upload (5 MiB).
const LONG: usize = 12 << 20;

/// The server; gone when dropped.
struct S3 {
    child: Child,
    url: String,
}

impl Drop for S3 {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl S3 {
    async fn start() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let server = root.join("target/python/bin/moto_server");
        assert!(server.exists(), "there is no S3 server: run scripts/setup s3");
        let port = {
            let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            free.local_addr().unwrap().port()
        };
        let mut command = Command::new(server);
        command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let all = Self { child, url: format!("http://127.0.0.1:{port}") };
        let (until, http) = (Instant::now() + Duration::from_secs(60), reqwest::Client::new());
        while http.put(format!("{}/films", all.url)).send().await.is_err() {
            assert!(Instant::now() < until, "the S3 server does not answer");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        all
    }

    fn variables(&self) -> [(&'static str, &str); 5] {
        [
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ENDPOINT_URL", &self.url),
            ("AWS_ALLOW_HTTP", "true"),
        ]
    }

    fn objects(&self, url: &str) -> Objects {
        let all: Vec<_> = self.variables().map(|(name, value)| (name, value.to_owned())).to_vec();
        Objects::open(url, &all).unwrap()
    }
}

async fn read(objects: &Objects, key: &str) -> (u64, Vec<u8>) {
    let found = objects.get(key).await.unwrap();
    let parts: Vec<Bytes> = found.parts.try_collect().await.unwrap();
    (found.bytes, parts.concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn v9_an_s3_compatible_store_keeps_objects_whole_and_lets_them_go() {
    let s3 = S3::start().await;
    let objects = s3.objects("s3://films/own");
    objects.put("app_1/vid_1/1/v240-avc/0.m4s", vec![7u8; 10]).await.unwrap();
    objects.put("app_1/vid_1/1/v240-avc/0.m4s", vec![8u8; 11]).await.unwrap();
    assert_eq!(read(&objects, "app_1/vid_1/1/v240-avc/0.m4s").await, (11, vec![8u8; 11]));
    assert!(matches!(objects.get("app_1/vid_1/1/none").await, Err(Error::Absent)));
    assert!(!objects.has("app_1/vid_1/1/none").await.unwrap());
    // Part by part: there when it is whole, and not before.
    let long: Vec<u8> = (0..LONG).map(|n| (n % 251) as u8).collect();
    let mut upload = objects.begin("app_1/vid_1/1/source/0").await.unwrap();
    for part in long.chunks(1 << 20) {
        upload.write(part);
        upload.wait_for_capacity(2).await.unwrap();
    }
    assert!(!objects.has("app_1/vid_1/1/source/0").await.unwrap());
    objects.finish("app_1/vid_1/1/source/0", upload).await.unwrap();
    assert!(read(&objects, "app_1/vid_1/1/source/0").await == (LONG as u64, long));
    let broken = objects.begin("app_1/vid_1/1/source/1").await.unwrap();
    broken.abort().await.unwrap();
    assert!(!objects.has("app_1/vid_1/1/source/1").await.unwrap());
    // A rendition's objects go, and none whose name begins alike; of more than one page of a list.
    for n in 0..1_100 {
        objects.put(&format!("app_1/vid_1/1/v360-avc/{n}.m4s"), vec![1u8]).await.unwrap();
    }
    objects.put("app_1/vid_1/1/v360-avc-2/0.m4s", vec![1u8]).await.unwrap();
    assert_eq!(objects.delete_below("app_1/vid_1/1/v360-avc").await.unwrap(), 1_100);
    assert!(objects.has("app_1/vid_1/1/v360-avc-2/0.m4s").await.unwrap());
    // Another prefix of the bucket is another store.
    assert!(!s3.objects("s3://films/other").has("app_1/vid_1/1/source/0").await.unwrap());
    assert_eq!(objects.delete_below("app_1").await.unwrap(), 3);
    objects.delete("app_1/vid_1/1/source/0").await.unwrap();
    let wrong = s3.objects("s3://nobodys").put("a", vec![1u8]).await;
    assert!(wrong.is_err(), "a bucket that is not there");
}

#[tokio::test(flavor = "multi_thread")]
async fn v4_from_an_upload_to_ready_and_gone_on_an_s3_compatible_store() {
    let (s3, edge) = (S3::start().await, Edge::new(0).await);
    let mut all = s3.variables().to_vec();
    all.extend([("OBJECTS_URL", "s3://films"), ("EDGE_URL", edge.url.as_str())]);
    all.push(("SELVEDGE_PURGE_SETTLE_MS", "0"));
    let stage = Stage::with(&all).await;
    let source = stage.source(
        "s.mp4",
        "-f lavfi -i testsrc2=size=320x180:rate=25:duration=9 -f lavfi -i sine=duration=9 \
         -c:v libx264 -preset ultrafast -g 50 -c:a aac",
    );
    let id = stage.upload(&source).await;
    work(&stage.app, &stage.tool).await;
    assert_eq!(stage.get(&id).await["status"], "ready", "{:?}", stage.errors().await);
    assert!(!stage.dir.path().join("objects").exists(), "something lies on the disk");
    let shown = presentation(&stage, &id).await;
    for head in &shown.renditions {
        for n in 0..head.segments {
            let key = format!("{}/{id}/{}/{n}.m4s", stage.owner, head.name).replace('/', "%2F");
            let answer = video::serve::object(&stage.app, &key, "1").await.unwrap();
            let length: usize =
                answer.headers()["content-length"].to_str().unwrap().parse().unwrap();
            let bytes = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
            assert_eq!(bytes.len(), length);
            assert!(bytes.windows(4).take(8).any(|four| four == b"styp"), "{key} is no segment");
        }
    }
    let path = format!("/api/v1/videos/{id}");
    video::delete(&stage.app, &stage.call("DELETE", &path, "")).await.unwrap();
    removal::purge(&stage.app, db::now().plus(1_000)).await.unwrap();
    let left = stage.app.objects.delete_below(&stage.owner).await.unwrap();
    assert_eq!(left, 0, "objects of a deleted video");
}
