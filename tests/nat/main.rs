//! What the machines of `srudp::nat` find out about boxes whose behaviour is known, because they are simulated; and how they get along
//! with other people's servers.

mod behaviour;
mod coturn;
mod gather;
mod lifetime;
mod world;
