//! An Internet of network namespaces.
//!
//! ```text
//!                       ┌── core ──┐    a router without NAT: 198.18.K.1 and 2001:db8:K::1 on link K
//!           ┌───────────┤          ├───────────────┐
//!        server       router     carrier         router (no NAT)
//!   198.18.1.2, .3   198.18.2.2  198.18.3.2      198.18.4.2
//!                      │ lan       │ lan           │ lan
//!                 192.168.2.0/24  100.64.3.0/24   198.19.4.0/24      and 2001:db8:K:1::/64
//!                  │       │       │               │
//!                host    host    router           host
//!              192.168.2.10 .11   │ lan
//!                              192.168.5.0/24
//! ```
//!
//! Every lab has its own, so that several run at the same time with the same addresses. Namespaces are called `sr-PROCESS-LAB-NAME`.
//! There is a hop between any two routers, so that a packet of low TTL dies between them. Links have no delay.

mod gateway;
mod host;
mod lab;
mod namespace;
mod program;
mod router;

pub(crate) use gateway::{Gateway, Input};
pub(crate) use host::Host;
pub(crate) use lab::{Carried, Lab};
pub(crate) use program::Program;
pub(crate) use router::Router;
