//! Empty until its tests land in the next commits.
