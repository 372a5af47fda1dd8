//! video: uploads at the edge's URL, and what becomes of them.

mod uploads;
