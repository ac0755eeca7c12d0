//! Messages as others wrote them, and as they must not be.

mod codec;
mod vectors;
