//! Every load on every number of isolates: never more than the limit, hardly less (M4, M5, M17).

use crate::cells::{Cell, cells};
use crate::node::Nodes;
use crate::stack::Stack;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Requests a second that cells share which run at once: as many as the machine answers in time.
const RATE: RangeInclusive<u64> = 250..=1_000;
/// A cell that the machine could not play in time is played again, but not after this.
const AGAIN_MAX: Duration = Duration::from_secs(120);

/// Takes cells of one window that run at once.
fn batch(left: &mut Vec<Cell>, rate_max: u64) -> Vec<Cell> {
    let mut batch: Vec<Cell> = Vec::new();
    let mut rate = 0;
    left.retain(|cell| {
        let same = batch.first().is_none_or(|first| first.window_ms() == cell.window_ms());
        let taken = same && (batch.is_empty() || rate + cell.rate() <= rate_max);
        if taken {
            rate += cell.rate();
            batch.push(*cell);
        }
        !taken
    });
    batch
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_isolates_and_no_load_over_admit() {
    let stack = Stack::start_with("matrix", &[("EDGE_ISOLATES", "9")]).await;
    let (tag, nodes) = (stack.tag.clone(), Nodes::of(&stack));
    let cells = cells(std::env::var_os("NODES_FULL").is_some());
    let mut published: Vec<Cell> = Vec::new();
    for cell in &cells {
        if !published.iter().any(|known| known.rule == cell.rule) {
            cell.publish(&nodes).await;
            published.push(*cell);
        }
    }
    let (mut wrong, mut count, began) = (Vec::new(), 0, Instant::now());
    let (mut left, mut again) = (cells, Vec::new());
    let (mut round, mut rate) = (0, *RATE.end());
    while !left.is_empty() {
        let running =
            batch(&mut left, rate).into_iter().map(|cell| cell.play(nodes.clone(), round));
        let mut played = running.collect::<JoinSet<_>>().join_all().await;
        played.sort_by_key(|played| (played.cell.load, played.cell.isolates));
        let mut in_time = true;
        for played in played {
            let judged = played.judge();
            println!("{tag} {}", judged.line);
            count += 1;
            in_time &= judged.in_time;
            wrong.extend(judged.wrong);
            again.extend(judged.again.then_some(played.cell));
        }
        rate = if in_time { rate * 5 / 4 } else { rate / 2 }.clamp(*RATE.start(), *RATE.end());
        if left.is_empty() && began.elapsed() < AGAIN_MAX {
            (left, round) = (std::mem::take(&mut again), round + 1);
        }
        if round > 0 && began.elapsed() > AGAIN_MAX {
            again.append(&mut left);
        }
    }
    println!("{tag} {count} cells played; at twice the limit NOT JUDGED: {}", again.len());
    assert!(wrong.is_empty(), "{tag}:\n{}", wrong.join("\n"));
    stack.end();
}
