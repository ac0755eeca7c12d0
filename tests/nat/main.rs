//! What the machines of `srudp::nat` find out about boxes whose behaviour is known, because they are simulated.

mod behaviour;
mod lifetime;
mod world;
