//! Every load on every number of isolates: never more than the limit, hardly less (M4, M5, M17).

use crate::cells::{Cell, cells};
use crate::node::Nodes;
use crate::stack::Stack;
use tokio::task::JoinSet;

/// Requests a second that cells share which run at once.
const RATE_MAX: u64 = 1_000;

/// Cells of one window that run at once.
fn batches(cells: Vec<Cell>) -> Vec<Vec<Cell>> {
    let mut batches: Vec<Vec<Cell>> = Vec::new();
    for cell in cells {
        let fits = |batch: &&mut Vec<Cell>| {
            let rate: u64 = batch.iter().map(Cell::rate).sum();
            batch[0].window_ms() == cell.window_ms() && rate + cell.rate() <= RATE_MAX
        };
        match batches.iter_mut().find(fits) {
            Some(batch) => batch.push(cell),
            None => batches.push(vec![cell]),
        }
    }
    batches
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
    let mut wrong = Vec::new();
    let (mut count, mut unjudged) = (0, 0);
    for batch in batches(cells) {
        let running: JoinSet<_> = batch.into_iter().map(|cell| cell.play(nodes.clone())).collect();
        let mut played = running.join_all().await;
        played.sort_by_key(|played| (played.cell.load, played.cell.isolates));
        for (line, found) in played.iter().map(|played| played.judge()) {
            println!("{tag} {line}");
            count += 1;
            unjudged += usize::from(line.contains("NOT JUDGED"));
            wrong.extend(found);
        }
    }
    println!("{tag} {count} cells, {unjudged} not judged for under-admission");
    assert!(wrong.is_empty(), "{tag}:\n{}", wrong.join("\n"));
    stack.end();
}
