//! Secure reliable UDP: TCP-like streams to a peer that is named by its public key.
mod base;
