//! Floor 0: values that every other floor may use. Imports nothing of ours.
