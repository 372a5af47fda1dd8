//! An edge that lost its state, and an origin that came back from a backup.

use crate::check::{self, Row};
use crate::client::{Client, FIREFOX, Followed, Made};
use crate::stack::{Stack, is_postgres};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const LINKS: usize = 120;

/// Links, of which some were edited and some deleted; (code, target) in the order of creation.
async fn some_links(client: &Client, name: &str) -> Vec<(String, String)> {
    let mut links = Vec::new();
    for n in 0..LINKS {
        let target = format!("https://target.example/{name}/{n}");
        links.push((client.must_create(&target, &format!("{name}-{n}")).await, target));
    }
    for (n, (code, target)) in links.iter_mut().enumerate() {
        match n % 10 {
            3 => {
                *target = format!("{target}/edited");
                edit(client, code, target).await;
            }
            7 => delete(client, code).await,
            _ => {}
        }
    }
    links
}

async fn edit(client: &Client, code: &str, target: &str) {
    let (path, body) = (format!("/api/v1/links/{code}"), json!({ "long_url": target }));
    let (status, said) = client.call(reqwest::Method::PATCH, &path, Some(body)).await;
    assert_eq!(status, 200, "{code}: {said}");
}

async fn delete(client: &Client, code: &str) {
    let path = format!("/api/v1/links/{code}");
    let (status, said) = client.call(reqwest::Method::DELETE, &path, None).await;
    assert_eq!(status, 204, "{code}: {said}");
}

/// The edge says of every row what the row says.
async fn edge_is_database(tag: &str, client: &Client, rows: &BTreeMap<String, Row>) {
    let (gone, live): (Vec<_>, Vec<_>) = rows.iter().partition(|(_, row)| row.deleted);
    let live = live.into_iter().map(|(code, row)| (code.clone(), row.long_url.clone())).collect();
    check::redirect(tag, client, &live).await;
    for (code, _) in gone {
        let followed = client.follow(reqwest::Method::GET, code, FIREFOX).await;
        let right = matches!(followed, Followed::Answer(410, _));
        assert!(right, "{tag}: {code} was deleted: {followed:?}");
    }
}

fn replay(stack: &Stack, arguments: &[&str]) {
    let said = stack.origin().arg("replay").args(arguments).output().unwrap();
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    let error = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(said.status.success(), "{}: origin replay: {text} {error}", stack.tag);
    println!("{} origin replay: {}", stack.tag, text.trim());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replay_rebuilds_an_empty_edge() {
    let mut stack = Stack::start("replay").await;
    let (tag, client) = (stack.tag.clone(), stack.client());
    let links = some_links(&client, "replay").await;
    // Otherwise the relay would bring the newest down again without any replay.
    check::drained(&tag, &stack.database_url).await;
    stack.stop_edge().await;
    std::fs::remove_dir_all(stack.dir().join("edge")).unwrap();
    stack.start_edge().await;
    replay(&stack, &[]);
    let drained = check::drained(&tag, &stack.database_url).await;
    println!("{tag} {} links, the edge was rebuilt after {drained:.1?}", links.len());
    // From here on the edge has nobody to ask.
    stack.stop_origin().await;
    let rows = check::rows(&stack.database_url).await;
    assert_eq!(rows.len(), links.len(), "{tag}");
    for (code, target) in &links {
        assert_eq!(rows[code].long_url, *target, "{tag}: {code}");
    }
    edge_is_database(&tag, &client, &rows).await;
    // The key came down too: without it this would be a 401 or a 503 of another kind.
    let made = client.create("https://target.example/late", "late").await;
    assert!(matches!(made, Made::Unavailable(Some(_))), "{tag}: {made:?}");
    stack.end();
}

/// The database's files (the log beside it included).
fn database_files(dir: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(dir).unwrap().flatten().map(|entry| entry.path());
    let is_database = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.starts_with("origin.sqlite")
    };
    files.filter(is_database).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_epoch_after_a_restore() {
    if is_postgres() {
        println!("skipped: the backup is a copied file, which PostgreSQL has not; SQLite shows it");
        return;
    }
    let mut stack = Stack::start("restore").await;
    let (tag, client) = (stack.tag.clone(), stack.client());
    let links = some_links(&client, "restore").await;
    stack.stop_origin().await;
    let backup = stack.dir().join("backup");
    std::fs::create_dir(&backup).unwrap();
    for file in database_files(stack.database_dir()) {
        std::fs::copy(&file, backup.join(file.file_name().unwrap())).unwrap();
    }
    stack.start_origin().await;

    // What the restore will undo: edits, deletions, creations.
    for (n, (code, target)) in links.iter().enumerate() {
        match n % 10 {
            0 | 3 => edit(&client, code, &format!("{target}/undone")).await,
            5 => delete(&client, code).await,
            _ => {}
        }
    }
    let mut undone = BTreeMap::new();
    for n in 0..10 {
        let target = format!("https://target.example/undone/{n}");
        undone.insert(client.must_create(&target, &format!("undone-{n}")).await, target);
    }
    check::drained(&tag, &stack.database_url).await;
    check::redirect(&tag, &client, &undone).await;

    stack.stop_origin().await;
    database_files(stack.database_dir())
        .iter()
        .for_each(|file| std::fs::remove_file(file).unwrap());
    for file in database_files(&backup) {
        std::fs::copy(&file, stack.database_dir().join(file.file_name().unwrap())).unwrap();
    }
    replay(&stack, &["--new-epoch"]);
    stack.start_origin().await;
    let drained = check::drained(&tag, &stack.database_url).await;
    // An isolate serves a link from memory for five seconds after it was edited elsewhere.
    tokio::time::sleep(std::time::Duration::from_secs(6)).await;
    let rows = check::rows(&stack.database_url).await;
    println!("{tag} {} rows, the edge followed after {drained:.1?}", rows.len());
    assert_eq!(rows.len(), links.len(), "{tag}: the backup holds the links before it");
    edge_is_database(&tag, &client, &rows).await;

    // The range of ids came back too; yet no code that was out in the world leads elsewhere now.
    for n in 0..30 {
        let target = format!("https://target.example/after/{n}");
        let code = client.must_create(&target, &format!("after-{n}")).await;
        assert!(!undone.contains_key(&code), "{tag}: {code} was issued a second time");
        check::redirect(&tag, &client, &BTreeMap::from([(code, target)])).await;
    }
    stack.end();
}
