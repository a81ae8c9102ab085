//! The broker's behaviour, told as short stories over its public methods, and checked against models at
//! random.

mod dead_letters;
mod delivery;
mod faults;
mod flow;
mod limits;
mod ordering;
mod properties;
mod resources;
mod retention;
mod world;
