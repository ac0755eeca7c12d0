//! Models of bad links and NAT boxes in virtual time.
