//! The parts of the model, each alone; and the states that packets lead to.
