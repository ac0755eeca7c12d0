//! Two hosts with every kind of access to the Internet: what hole punching is tested on. Public API only.

#![allow(dead_code, reason = "each test binary uses a part of it")]

pub(crate) mod host;
pub(crate) mod kinds;
pub(crate) mod services;
pub(crate) mod tubes;
pub(crate) mod world;
