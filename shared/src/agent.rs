//! What every reader of a `User-Agent` knows of it.
//!
//! Invariant: texts in lower case, each long enough to stand in nothing else's name.

/// Parts of the names of television sets and of what is plugged into them.
pub const TVS: [&str; 18] = [
    "smarttv",
    "smart-tv",
    "smart tv",
    "appletv",
    "googletv",
    "android tv",
    "bravia",
    "hbbtv",
    "web0s",
    "netcast",
    // Amazon's sticks and boxes.
    "aftt",
    "aftb",
    "afts",
    "aftm",
    "crkey",
    "roku",
    "tv safari",
    "viera",
];
