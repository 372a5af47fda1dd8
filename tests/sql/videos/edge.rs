//! An edge that forgets: as often as it is told to it refuses, and it notes what it was asked.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use shared::video::presentation::{FORGET_PATH, Forget, Forgotten};
use std::sync::{Arc, Mutex};

#[derive(Clone)]
pub struct Edge {
    pub url: String,
    state: Arc<Mutex<Asked>>,
}

#[derive(Default)]
struct Asked {
    refusals: u32,
    all: Vec<Forget>,
}

impl Edge {
    /// Refuses so often, as an edge that has not heard of the deletion.
    pub async fn new(refusals: u32) -> Self {
        let state = Arc::new(Mutex::new(Asked { refusals, ..Asked::default() }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route(FORGET_PATH, post(take)).with_state(Arc::clone(&state));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, state }
    }

    /// What it forgot.
    pub fn forgot(&self) -> Vec<Forget> {
        self.state.lock().unwrap().all.clone()
    }
}

async fn take(State(state): State<Arc<Mutex<Asked>>>, body: String) -> Response {
    let what: Forget = serde_json::from_str(&body).unwrap();
    let mut asked = state.lock().unwrap();
    if asked.refusals > 0 {
        asked.refusals -= 1;
        return StatusCode::CONFLICT.into_response();
    }
    // A thousand at a time: the first answer says that there is more.
    let more = !asked.all.contains(&what);
    asked.all.push(what);
    serde_json::to_string(&Forgotten { objects: 1, more }).unwrap().into_response()
}
